//go:build !race

package main

// atOnce is how many employees reset at once.
const atOnce = 50
