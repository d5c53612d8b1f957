package strictjson

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var errKind = errors.New("not a menu")

type dish struct {
	Name  string   `json:"name"`
	Price int      `json:"price"`
	Vegan bool     `json:"vegan"`
	With  []string `json:"with"`
	Side  *dish    `json:"side"`
}

type menu struct {
	Dishes []dish `json:"dishes"`
}

func TestDecode(t *testing.T) {
	var m menu
	text := `{"dishes": [{"name": "soup", "price": 3, "vegan": true, "with": ["bread"], "side": {"name": "salad"}}, {"side": null, "with": null}]}`
	require.NoError(t, Decode([]byte(text), &m, errKind))
	require.Equal(t, menu{Dishes: []dish{
		{Name: "soup", Price: 3, Vegan: true, With: []string{"bread"}, Side: &dish{Name: "salad"}},
		{},
	}}, m)
}

// Each mistake is told with the path, and found in the text by line and column.
func TestDecodeSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, of := range []struct {
		text, want   string
		line, column int
	}{
		{"", "no JSON", 1, 1},
		{"  ", "no JSON", 1, 3},
		{"{\n  \"dishes\": [,]}", "not JSON: invalid character ',' looking for beginning of value", 2, 14},
		{`{} {}`, "not JSON: invalid character '{' after top-level value", 1, 4},
		{`[]`, "[], want an object", 1, 1},
		{"{\"dishes\": 3}", "dishes: 3, want a list", 1, 12},
		{"{\"dishes\": [{},\n {\"price\": 1.5}]}", "dishes[1].price: 1.5, want a whole number", 2, 12},
		{"{\"dishes\": [{\"name\": 1}]}", "dishes[0].name: 1, want a text", 1, 22},
		{"{\"dishes\": [{\"vegan\": \"yes\"}]}", `dishes[0].vegan: "yes", want true or false`, 1, 23},
		{"{\"dishes\": [{\"side\": {\"with\": [\"a\", 2]}}]}", "dishes[0].side.with[1]: 2, want a text", 1, 37},
		{"{\"dishes\": [{\n\"vegn\": true}]}", `dishes[0]: unknown field "vegn", did you mean "vegan"?`, 2, 1},
		{"{\"dishes\": [],\n \"dishes\": []}", `field "dishes" is there twice`, 1, 2},
		{strings.Repeat("[", MaxDepth+1), "more than 256 levels", 1, 1},
	} {
		err := Decode([]byte(of.text), new(menu), errKind)
		require.EqualError(t, err, of.want, of.text)
		require.ErrorIs(t, err, errKind)
		line, column := Position([]byte(of.text), err)
		require.Equal(t, [2]int{of.line, of.column}, [2]int{line, column}, of.text)
	}
}

func TestTextAndPositionOf(t *testing.T) {
	text := []byte("{\n \"dishes\": [\n  {\"name\": \"soup\"}]}")
	require.Equal(t, "soup", Text(text, "dishes[0].name"))
	require.Empty(t, Text(text, "dishes[1].name"))
	require.Empty(t, Text(text, "dishes"))
	line, column := PositionOf(text, "dishes[0].name")
	require.Equal(t, [2]int{3, 12}, [2]int{line, column})
	line, column = PositionOf(text, "dishes[0].side.name") // the last on the way that there is
	require.Equal(t, [2]int{3, 3}, [2]int{line, column})
}

func TestEncodeLeavesTextsAsTheyAre(t *testing.T) {
	text, err := Encode(dish{Name: "<fish & chips>"})
	require.NoError(t, err)
	require.Contains(t, string(text), `"<fish & chips>"`)
	_, err = Encode(func() {})
	require.Error(t, err)
}

func TestShorten(t *testing.T) {
	require.Equal(t, `"short"`, Shorten([]byte(`"short"`)))
	long := Shorten([]byte(`"` + strings.Repeat("ä", 40) + `"`))
	require.Equal(t, `"`+strings.Repeat("ä", 19)+"…", long)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"dishes": [{"name": "soup", "side": {"price": 3}}]}`))
	f.Add([]byte(`{"dishes": [{"nam": 1}]}`))
	f.Add([]byte(`{"dishes": [`))
	f.Fuzz(func(t *testing.T, text []byte) {
		err := Decode(text, new(menu), errKind)
		if err == nil {
			return
		}
		if !errors.Is(err, errKind) {
			t.Fatalf("%v is of no kind", err)
		}
		if line, column := Position(text, err); line < 1 || column < 1 || line > 1+strings.Count(string(text), "\n") {
			t.Fatalf("%v is at %d:%d", err, line, column)
		}
	})
}
