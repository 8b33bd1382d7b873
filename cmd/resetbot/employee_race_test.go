//go:build race

package main

// atOnce is how many employees reset at once. The race detector makes the
// program some ten times slower, and a directory's deadlines stay what they are.
const atOnce = 15
