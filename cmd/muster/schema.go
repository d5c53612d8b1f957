package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/cmd/muster/internal/schema"
)

func schemaCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "write the JSON schema of a definitions file, for editors",
		Description: "Keep it beside the definitions and name it in them, \"$schema\": \"./muster.schema.json\",\n" +
			"and an editor completes names and marks mistakes.",
		Action: func(_ context.Context, c *cli.Command) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			_, err := std.out.Write(schema.Definitions)
			return err
		},
	}
}
