package main

import (
	"fmt"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

// question is asked of both sides.
type question struct {
	text string
	of   audience.Condition
	sql  string // of the same, with one row of one number
}

// ago is the SQL for an instant some days before now.
func ago(days int) string { return fmt.Sprint(now.UnixNano() - int64(days)*int64(profile.Day)) }

var questions = []question{
	{
		"orders over 100 in 90 days, at least 2",
		audience.Performed(orderCompleted).Where("properties.total > 100.0").AtLeast(2).Within(90 * profile.Day),
		`SELECT count(*) FROM (
			SELECT user_id FROM events WHERE name = 'Order Completed' AND total > 100 AND time > ` + ago(90) + `
			GROUP BY user_id HAVING count(*) >= 2)`,
	},
	{
		"ordered 90 to 180 days ago and not since",
		audience.All(
			audience.Performed(orderCompleted).Between(90*profile.Day, 180*profile.Day),
			audience.NotPerformed(orderCompleted).Within(90*profile.Day)),
		`SELECT count(*) FROM (
			SELECT user_id FROM events WHERE name = 'Order Completed' AND time > ` + ago(180) + `
			GROUP BY user_id HAVING max(time) <= ` + ago(90) + `)`,
	},
	{
		"three event names, counts and windows",
		audience.All(
			audience.Performed(productViewed).AtLeast(3).Within(180*profile.Day),
			audience.Performed(productAdded).Where(`properties.category != "wine"`).Within(90*profile.Day),
			audience.NotPerformed(orderCompleted).Within(30*profile.Day)),
		`SELECT count(*) FROM (
			SELECT user_id FROM events WHERE name IN ('Product Viewed', 'Product Added', 'Order Completed') AND time > ` + ago(180) + `
			GROUP BY user_id HAVING
				count(*) FILTER (name = 'Product Viewed') >= 3 AND
				count(*) FILTER (name = 'Product Added' AND category <> 'wine' AND time > ` + ago(90) + `) >= 1 AND
				count(*) FILTER (name = 'Order Completed' AND time > ` + ago(30) + `) = 0)`,
	},
	{
		"a funnel about the same product within 7 days",
		audience.Funnel(funnel.Start("viewed", productViewed).
			Followed("ordered", orderCompleted).Within(7 * profile.Day).
			Where("properties.product_id == steps.viewed.properties.product_id")),
		`SELECT count(DISTINCT v.user_id) FROM events v JOIN events o
			ON o.user_id = v.user_id AND o.product = v.product AND o.time > v.time AND o.time < v.time + ` +
			fmt.Sprint(int64(7*profile.Day)) + `
			WHERE v.name = 'Product Viewed' AND o.name = 'Order Completed'`,
	},
}
