//go:build ignore

// Build makes the dictionary that is built into package password out of word
// lists with one word a line. Run it with go generate after
//
//	apt-get install wdutch wamerican-small
package main

import (
	"flag"
	"io"
	"log"
	"os"

	"resetbot/adapters/password"
)

func main() {
	log.SetFlags(0)
	output := flag.String("o", "lists/words.bin", "the dictionary to write")
	flag.Parse()
	var lists []io.Reader
	for _, path := range flag.Args() {
		list, err := os.Open(path)
		if err != nil {
			log.Fatal(err)
		}
		defer list.Close()
		lists = append(lists, list)
	}
	file, err := os.Create(*output)
	if err != nil {
		log.Fatal(err)
	}
	words, err := password.BuildWords(file, lists...)
	if err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	log.Printf("%s: %d words", *output, words)
}
