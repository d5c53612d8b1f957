package csvexport

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
)

// output is the way of the text into the file.
type output struct {
	w     io.Writer
	crc   uint32
	bytes int64

	zip   *gzip.Writer  // nil: not compressed
	zipTo *bufio.Writer // gzip writes little by little
}

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newOutput(w io.Writer, compress bool) *output {
	o := &output{w: w}
	if compress {
		o.zipTo = bufio.NewWriterSize(o, chunkSize)
		o.zip, _ = gzip.NewWriterLevel(o.zipTo, gzip.BestSpeed) // the level is one
	}
	return o
}

// write takes text of the file.
func (o *output) write(text []byte) error {
	to := io.Writer(o)
	if o.zip != nil {
		to = o.zip
	}
	_, err := to.Write(text)
	return err
}

// Write takes bytes of the file as they are to be.
func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, fmt.Errorf("write: %w", err)
	}
	o.crc = crc32.Update(o.crc, castagnoli, b)
	o.bytes += int64(n)
	return n, nil
}

// close brings out what is compressed.
func (o *output) close() error {
	if o.zip == nil {
		return nil
	}
	if err := o.zip.Close(); err != nil {
		return err
	}
	return o.zipTo.Flush()
}
