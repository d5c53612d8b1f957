package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/trait"
)

func TestTheNewestWriteByEventTimeWins(t *testing.T) {
	pro := members("pro", audience.Trait(`traits.plan == "pro"`))
	play(t,
		create(at(0), "", pro),
		traits(at(5), "u", `{"plan": "pro"}`, at(4), "u+pro@5 trait"),
		traits(at(5), "u", `{"plan": "free"}`, at(3), ""), // late
		traits(at(5), "u", `{"plan": "free"}`, at(7), ""), // future
		advance(at(6), ""),
		advance(at(7), "u-pro@7 time"),
		traits(at(8), "u", `{"plan": "pro"}`, at(8), "u+pro@8 trait"),
		traits(at(9), "u", `{"plan": null}`, at(9), "u-pro@9 trait"),
	)
	play(t, // at one time the last to arrive wins, whatever its message id
		create(at(0), "", pro),
		traits(at(1), "u", `{"plan": "pro"}`, at(1), "u+pro@1 trait", "m2"),
		traits(at(1), "u", `{"plan": "zero"}`, at(1), "u-pro@1 trait", "m1"),
		traits(at(1), "u", `{"plan": "pro"}`, at(1), "u+pro@1 trait", "m3"),
		traits(at(1), "v", `{"plan": "pro"}`, at(1), "v+pro@1 trait"),
		traits(at(1), "v", `{"plan": null}`, at(1), "v-pro@1 trait"),
	)
}

func TestAbsentTraits(t *testing.T) {
	play(t,
		create(at(0), "",
			members("has", audience.Trait(`has(traits.plan)`)),
			members("lacks", audience.Trait(`!has(traits.plan)`)),
			members("miss", audience.Trait(`traits.plan != "pro"`))),
		event(at(1), "u", "Any", at(1), "u+lacks@1 event"),
		traits(at(2), "u", `{"plan": 1}`, at(2), "u+has@2 trait, u-lacks@2 trait, u+miss@2 trait"),
		traits(at(3), "u", `{"plan": null}`, at(3), "u-has@3 trait, u+lacks@3 trait, u-miss@3 trait"),
	)
}

func TestDatesInTraits(t *testing.T) {
	play(t,
		create(at(0), "",
			members("between", audience.TraitDate("d", trait.Between(hour, 3*hour))),
			members("last", audience.TraitDate("d", trait.WithinLast(2*hour))),
			members("next", audience.TraitDate("d", trait.WithinNext(2*hour))),
			members("past", audience.TraitDate("d", trait.DateWindow{}))),
		traits(at(1), "u", fmt.Sprintf(`{"d": %q}`, at(5).Format(time.RFC3339)), at(1), ""),
		advance(at(3).Add(-1), ""),
		advance(at(3), "u+next@3 time"),
		advance(at(5), "u+last@5 time, u-next@5 time, u+past@5 time"),
		advance(at(6), "u+between@6 time"),
		advance(at(9), "u-last@7 time, u-between@8 time"),
		traits(at(9), "u", `{"d": "soon"}`, at(9), "u-past@9 trait"),
	)
}

func TestDatesBetweenFixedOnes(t *testing.T) {
	play(t,
		create(at(0), "",
			members("after", audience.TraitDate("d", trait.After(at(5)))),
			members("before", audience.TraitDate("d", trait.Before(at(5)))),
			members("during", audience.TraitDate("d", trait.During(at(5), at(7))))),
		traits(at(1), "u", fmt.Sprintf(`{"d": %q}`, at(5).Format(time.RFC3339)), at(1), "u+during@1 trait"),
		advance(at(9), ""),
		traits(at(10), "u", fmt.Sprintf(`{"d": %q}`, at(7).Format(time.RFC3339)), at(10), "u+after@10 trait, u-during@10 trait"),
		traits(at(11), "u", fmt.Sprintf(`{"d": %q}`, at(4).Format(time.RFC3339)), at(11), "u-after@11 trait, u+before@11 trait"),
	)
}

func TestFormsOfADate(t *testing.T) {
	const noon = 1709294400 // 2024-03-01 12:00:00 UTC
	for _, c := range []struct {
		value string
		hours string // into the story; empty: no date
	}{
		{`"2024-03-01T12:00:00Z"`, "12"},
		{`"2024-03-01T12:30:00.000+01:00"`, "11.5"},
		{`"2024-03-01T12:00:00-0500"`, "17"},
		{`"2024-03-01T12:00:00.000000001Z"`, "12h0m0.000000001s"},
		{`"2024-03-01 12:00:00"`, "12"},
		{`"2024-03-01T12:00:00"`, "12"},
		{`"2024-03-02"`, "24"},
		{`"2024-02-30"`, ""},
		{`"2024-03-01T12:00"`, "12"},
		{`" 2024-03-01 12:00 UTC"`, "12"},
		{`"2024-03-01t14:00:00+02"`, "12"},
		{`"1709294400"`, "12"},
		{`"1709294400000000000"`, "12"},
		{`"tomorrow"`, ""},
		{`""`, ""},
		{fmt.Sprint(noon), "12"},
		{fmt.Sprint(noon * 1000), "12"},
		{fmt.Sprint(noon) + ".0", "12"},
		{fmt.Sprint(noon) + ".25", "12h0m0.25s"},
		{fmt.Sprint(noon*1000) + ".5", "12h0m0.0005s"},
		{`0`, ""},
		{`9999999999999999999`, ""},
		{`true`, ""},
		{`["2024-03-02"]`, ""},
	} {
		want := ""
		if c.hours != "" {
			want = "u+a@" + c.hours + " time"
		}
		play(t,
			create(at(1), "", members("a", audience.TraitDate("d", trait.DateWindow{}))),
			traits(at(1), "u", `{"d": `+c.value+`}`, at(1), ""),
			advance(at(30), want))
	}
}
