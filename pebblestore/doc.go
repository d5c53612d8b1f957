// Package pebblestore is a profile.Store on a disk, on Pebble. (The whole model follows.)
package pebblestore
