// Runs the commands that come on the standard input, one a line, and says when each is done.
import { createInterface } from 'node:readline'

export async function run(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    await commands[line]()
    console.log(line)
  }
}
