package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

const header = "customer_id,date,cds,dollars"

// readPurchases returns the rows of a purchase log as messages in the order of
// their dates, as the shop would have sent them: the file is in the order of
// customers. Errors begin with name and line.
func readPurchases(r io.Reader, name string) ([]profile.Message, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	first, err := rows.Read()
	if err != nil {
		return nil, inFile(name, err)
	}
	if got := strings.Join(first, ","); got != header {
		return nil, fmt.Errorf("%s:1: the header is %q, want %q", name, got, header)
	}
	var messages []profile.Message
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, inFile(name, err)
		}
		line, _ := rows.FieldPos(0)
		m, err := parsePurchase(row, line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		messages = append(messages, m)
	}
	if len(messages) == 0 {
		return nil, fmt.Errorf("%s: no purchases", name)
	}
	slices.SortStableFunc(messages, func(a, b profile.Message) int { return a.Time.Compare(b.Time) })
	return messages, nil
}

// inFile says where in a file an error of the CSV reader is about.
func inFile(name string, err error) error {
	if err == io.EOF {
		return fmt.Errorf("%s: no header", name)
	}
	if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
		return fmt.Errorf("%s:%d: %w", name, bad.Line, bad.Err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// parsePurchase makes a row a message. Two rows of a customer on a day are two
// purchases, even if they are alike, so the line is what tells messages apart:
// reading the file again gives the same ids.
func parsePurchase(row []string, line int) (profile.Message, error) {
	date, err := time.Parse(time.DateOnly, row[1])
	if err != nil {
		return profile.Message{}, fmt.Errorf("date %q, want one such as 1997-01-31", row[1])
	}
	cds, err := strconv.Atoi(row[2])
	if err != nil || cds < 0 {
		return profile.Message{}, fmt.Errorf("cds %q, want a number of CDs", row[2])
	}
	dollars, err := strconv.ParseFloat(row[3], 64)
	if err != nil || dollars < 0 {
		return profile.Message{}, fmt.Errorf("dollars %q, want an amount", row[3])
	}
	properties, err := profile.NewObject(map[string]any{"cds": cds, "total": dollars})
	if err != nil {
		return profile.Message{}, err
	}
	m := profile.Message{
		Type:       profile.Track,
		UserID:     row[0],
		Name:       "Order Completed",
		Time:       date,
		MessageID:  "cdnow-" + strconv.Itoa(line),
		Properties: properties,
	}
	return m, m.Validate()
}
