package eventlog

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
)

// Stdin is the name of the standard input.
const Stdin = "-"

// File is what Open has opened.
type File struct {
	io.Reader           // decompressed
	read      counter   // as it is stored
	size      int64     // as it is stored; 0: not known
	close     io.Closer // nil of the standard input
}

// Open opens a file of a path for reading, or what stdin has for Stdin, and decompresses
// it if it is in gzip's form, whatever its name. The caller closes it.
func Open(path string, stdin io.Reader) (*File, error) {
	var f File
	if path == Stdin {
		f.read.from = stdin
	} else {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		f.read.from, f.close = file, file
		if is, err := file.Stat(); err == nil && is.Mode().IsRegular() {
			f.size = is.Size()
		}
	}
	in := bufio.NewReader(&f.read)
	f.Reader = in
	// Two bytes tell gzip. If there are none, reading says why.
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			_ = f.Close() // it was only read
			return nil, err
		}
		f.Reader = unzipped
	}
	return &f, nil
}

// Close closes the file, but not the standard input.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close.Close()
}

// Done returns which part of the file has been read, from 0 to 1; ok is false where its
// size is not known, as of a pipe.
func (f *File) Done() (part float64, ok bool) {
	if f.size <= 0 {
		return 0, false
	}
	return min(1, float64(f.read.n)/float64(f.size)), true
}

// counter counts what is read.
type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}
