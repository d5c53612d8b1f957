// Package csvexport writes the members of an audience, or the values of a
// computed trait, as a CSV file: the form that ad platforms and analysts take.
//
// # Formats
//
// Each member is a profile, and key is the id under which the store keeps it;
// ids merged into it have no row. Of a user with two emails, Unformatted has
//
//	key,external_ids
//	ann,"{""email"":[""a@x.io"",""ann@y.io""],""user_id"":[""ann""]}"
//
// where the second cell is a JSON object from types to lists of values. The two
// formatted ones have the same and a column for each id type that anyone among
// the members has. IndexedColumns has more columns for further values
//
//	key,external_ids,email,email_1,user_id
//	ann,"{...}",a@x.io,ann@y.io,ann
//
// and AdditionalRows has rows, the n-th with the n-th value of each type:
//
//	key,external_ids,email,user_id
//	ann,"{...}",a@x.io,ann
//	ann,"{...}",ann@y.io,
//
// Of a computed trait there is a column value between the two, of those
// profiles that have a value: texts as they are, everything else as JSON (3,
// 2.5, true, ["a","b"]). SingleColumn has the values of one id type and nothing
// else, a row for each, under the type's name: their SHA-256 in lower-case hex,
// or themselves if PermitRaw says so.
//
// Rows are in the order of key, by bytes; columns in that of id type, values in
// their own. The same store gives the same file. No two columns have one name:
// where there is an id type "email_1" as well, the second email is in email_2.
//
// # Encoding
//
// Files are UTF-8 without a byte order mark. Cells are quoted as in RFC 4180,
// where they have to be, that is if there is a delimiter, a quote or a line break
// in them, or white space at an end; and lines end as it says, with CR LF. A reader
// such as encoding/csv, which makes LF of a CR LF within quotes, does so here
// too. A cell without text is empty.
//
// A spreadsheet runs text that begins with =, +, -, @, a tab or CR as a formula,
// whoever wrote it. Where that is protected against, such a cell gets an
// apostrophe in front, unless it is a number: a sign and digits, with a fraction
// or an exponent or neither. So -5 and +491701234567 stay. That is the default
// of the formatted formats, which people open; the other two are for programs,
// and are written as they are (a hash, or the JSON cell, never begins so). The
// header and the column key are protected as any cell is.
//
// # Normal forms
//
// Those who match hashes need both sides to have hashed the same text.
// Export.Platform makes it so, in the form that a platform asks for, for the types
// of id email, phone, first_name and last_name; others stay as they are:
//
//   - An email loses the white space around it, and is put in lower case.
//   - A phone becomes the digits of E.164: country code and number. A plus or 00
//     in front is dropped, as are spaces, hyphens, dots, slashes and parentheses
//     between digits, and a "(0)" after the country code. What is left has 7 to 15
//     digits, the first not 0. The country of a number that has neither a plus nor
//     00 in front is not guessed: it is the one of Export.CallingCode.
//   - A name loses the white space around it, and is put in lower case.
//
// A value that has no such form (an email without an @, a number without a country)
// has no row, and is counted in Result.Skipped.
//
// # One instant
//
// An export reads a snapshot: data goes on being taken while it runs, and the
// file is of one instant, Result.Instant. That is how far the store had come; to
// have all that time alone changes until now, Advance the engine first, or have
// it Run. Several files of one instant are made from one Snapshot of the store:
// each function here takes either.
//
// # Cost
//
// Profiles are read in pages and lines written in pieces, so memory does not grow
// with the number of rows, but with the ids of a single profile. A formatted
// export goes through the profiles twice, as it needs to know the columns first;
// the first pass is profile.Reader's MaxIDs, which a MemStore often need not finish.
//
// Reading the store, making the lines and writing them are at work at once, on two
// goroutines and the caller's, which calls the writer and the callback; the others
// have ended when the call returns. What takes time is to read profiles that lie
// anywhere in memory, in the order of their ids. A file has at most MaxColumns
// columns of ids.
package csvexport
