package trait_test

import (
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// ann has the traits that the examples ask about.
var ann = map[string]any{
	"plan":    "pro",
	"email":   "ann@example.com",
	"seats":   12,
	"tags":    []any{"vip", "beta"},
	"address": map[string]any{"city": "Ulm", "lines": []any{}},
	"renewal": "2026-03-01",
}

// show prints a condition in CEL, and whether it holds for ann.
func show(c trait.Condition) {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		log.Fatal(err)
	}
	filter, err := env.Trait(c.CEL())
	if err != nil {
		log.Fatal(err)
	}
	traits, err := profile.NewObject(ann)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.CEL(), "is", filter.Eval(&celfilter.Input{Traits: &traits, Account: &traits}))
}

// showDate prints a condition on a date, and whether it holds for ann at noon
// on February 1, 2026.
func showDate(d trait.Date) {
	renewal, err := profile.NewValue(ann["renewal"])
	if err != nil {
		log.Fatal(err)
	}
	noon := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	c := traitset.NewDate(d)
	fmt.Println(d.Name, d.Window, "is", c.Holds(renewal, noon.UnixNano()).True)
}

func ExampleValue() {
	show(trait.Value("plan").Equals("pro"))
	show(trait.Value("first name").Equals("Ann"))
	show(trait.Value("address").Key("city").Equals("Ulm"))
	// Output:
	// traits.plan == "pro" is true
	// traits["first name"] == "Ann" is miss
	// traits.address.city == "Ulm" is true
}

func ExampleAccountValue() {
	show(trait.AccountValue("plan").Equals("pro"))
	// Output: account.traits.plan == "pro" is true
}

func ExampleOperand_Equals() {
	show(trait.Value("seats").Equals(12.0))
	show(trait.Value("plan").NotEquals("free"))
	show(trait.Value("missing").NotEquals("free"))
	// Output:
	// traits.seats == 12.0 is true
	// traits.plan != "free" is true
	// traits.missing != "free" is miss
}

func ExampleOperand_OneOf() {
	show(trait.Value("plan").OneOf("pro", "team"))
	// Output: traits.plan in ["pro", "team"] is true
}

func ExampleOperand_Contains() {
	show(trait.Value("email").Contains("@example."))
	show(trait.Value("email").StartsWith("bob"))
	show(trait.Value("email").EndsWith(".com"))
	// Output:
	// traits.email.contains("@example.") is true
	// traits.email.startsWith("bob") is false
	// traits.email.endsWith(".com") is true
}

func ExampleOperand_Matches() {
	show(trait.Value("email").Matches(`^\w+@example\.com$`))
	// Output: traits.email.matches("^\\w+@example\\.com$") is true
}

func ExampleOperand_LessThan() {
	show(trait.Value("seats").LessThan(12))
	show(trait.Value("seats").AtMost(12))
	show(trait.Value("seats").GreaterThan(11.5))
	show(trait.Value("seats").AtLeast(13))
	// Output:
	// traits.seats < 12 is false
	// traits.seats <= 12 is true
	// traits.seats > 11.5 is true
	// traits.seats >= 13 is false
}

func ExampleOperand_Between() {
	show(trait.Value("seats").Between(10, 12))
	// Output: traits.seats >= 10 && traits.seats <= 12 is true
}

func ExampleOperand_Exists() {
	show(trait.Value("plan").Exists())
	show(trait.Value("phone").Missing())
	show(trait.Value("address").Key("street").Exists())
	// Output:
	// has(traits.plan) is true
	// !(has(traits.phone)) is true
	// has(traits.address) && has(traits.address.street) is false
}

func ExampleOperand_IsEmpty() {
	show(trait.Value("phone").IsEmpty())
	show(trait.Value("address").Key("lines").IsEmpty())
	// Output:
	// !(has(traits.phone)) || size(traits.phone) == 0 is true
	// !(has(traits.address) && has(traits.address.lines)) || size(traits.address.lines) == 0 is true
}

func ExampleOperand_ContainsAny() {
	show(trait.Value("tags").ContainsAny("vip", "press"))
	show(trait.Value("tags").ContainsAll("vip", "press"))
	// Output:
	// "vip" in traits.tags || "press" in traits.tags is true
	// "vip" in traits.tags && "press" in traits.tags is false
}

func ExampleTrait_Before() {
	march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	showDate(trait.Value("renewal").Before(march))
	showDate(trait.Value("renewal").After(march.Add(-profile.Day)))
	showDate(trait.Value("renewal").During(march, march.AddDate(0, 1, 0)))
	// Output:
	// renewal before 2026-03-01 is false
	// renewal after 2026-02-28 is true
	// renewal from 2026-03-01 and before 2026-04-01 is true
}

func ExampleTrait_WithinNext() {
	showDate(trait.Value("renewal").WithinNext(30 * profile.Day))
	showDate(trait.Value("renewal").WithinLast(30 * profile.Day))
	showDate(trait.Value("renewal").AgeBetween(30*profile.Day, 60*profile.Day))
	showDate(trait.Value("renewal").InPast())
	// Output:
	// renewal next 30d is true
	// renewal within 30d is false
	// renewal between 30d and 60d is false
	// renewal ever is false
}

// A definition is a plain value with one JSON form.
func ExampleComputed() {
	favourite := trait.MostFrequent("favourite_category", "Product Viewed", "category").
		Where("properties.category != \"\"").
		Within(90 * profile.Day).
		WithMinFrequency(3)
	text, err := json.Marshal(favourite)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	// Output: {"key":"favourite_category","type":"most_frequent","event":"Product Viewed","property":"category","where":"properties.category != \"\"","window":{"within":"90d"},"min_frequency":3}
}
