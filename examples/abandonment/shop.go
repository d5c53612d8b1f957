package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// arrival is a message with the instant at which it comes in: that of the event
// itself, or later.
type arrival struct {
	at      time.Time
	message profile.Message
}

var products = []string{"desk lamp", "oak shelf", "teapot", "wool blanket", "wall clock", "bread knife", "garden chair"}

// shopLog makes up what visitors do in a shop over some days, in the order in
// which it comes in. The same seed makes the same log.
//
// A visitor comes once a day at most, and has one cart at a time: an order comes
// in before the shop opens on the next day, and only then is there a new cart.
func shopLog(seed uint64, visitors, days int) ([]arrival, error) {
	s := shop{rand: rand.New(rand.NewPCG(seed, 0))}
	opening := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for v := range visitors {
		cart := ""
		for day := range days {
			if !s.oneIn(3) {
				continue
			}
			if cart == "" {
				s.carts++
				cart = fmt.Sprintf("cart-%03d", s.carts)
			}
			came := opening.AddDate(0, 0, day).Add(s.upTo(10 * time.Hour))
			if s.visit(fmt.Sprintf("visitor-%03d", v+1), cart, came) {
				cart = ""
			}
		}
	}
	slices.SortStableFunc(s.log, func(a, b arrival) int { return a.at.Compare(b.at) })
	return s.log, s.err
}

type shop struct {
	rand  *rand.Rand
	carts int
	log   []arrival
	err   error // the first
}

// visit has a visitor come to the shop, and reports whether the cart was ordered.
func (s *shop) visit(visitor, cart string, at time.Time) bool {
	for range 1 + s.rand.IntN(3) {
		s.happens(visitor, "Product Added", cart, at, 0)
		at = at.Add(s.upTo(40 * time.Minute))
		if s.oneIn(12) { // the visitor is away for a while
			at = at.Add(quiet)
		}
	}
	if s.oneIn(3) {
		return false
	}
	s.happens(visitor, "Checkout Started", cart, at, 0)
	at = at.Add(s.upTo(20 * time.Minute))
	if s.oneIn(4) {
		return false
	}
	if s.oneIn(5) { // the visitor sleeps on it
		at = at.Add(s.upTo(3 * time.Hour))
	}
	late := time.Duration(0)
	if s.oneIn(5) { // the payment provider does
		late = s.upTo(4 * time.Hour)
	}
	s.happens(visitor, "Order Completed", cart, at, late)
	return true
}

// happens logs one event, which comes in late by a while.
func (s *shop) happens(visitor, name, cart string, at time.Time, late time.Duration) {
	properties := map[string]any{"cart_id": cart}
	if name == "Product Added" {
		properties["name"] = products[s.rand.IntN(len(products))]
	}
	object, err := profile.NewObject(properties)
	if s.err == nil {
		s.err = err
	}
	s.log = append(s.log, arrival{at: at.Add(late), message: profile.Message{
		Type:       profile.Track,
		UserID:     visitor,
		Name:       name,
		Time:       at,
		Properties: object,
	}})
}

// oneIn is true once in n times.
func (s *shop) oneIn(n int) bool { return s.rand.IntN(n) == 0 }

// upTo returns a while of one nanosecond at least.
func (s *shop) upTo(d time.Duration) time.Duration { return 1 + time.Duration(s.rand.Int64N(int64(d))) }

// property returns a text among properties; it is empty if there is none.
func property(properties profile.Object, key string) string {
	value, _ := properties.Get(key)
	text, _ := value.Text()
	return text
}
