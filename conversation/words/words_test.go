package words_test

import (
	"testing"

	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

const (
	sms, call, push, code = conversation.PickSMS, conversation.PickCall, conversation.PickPush,
		conversation.PickCode
	noPhone, desk, again = conversation.PickNoPhone, conversation.PickDesk, conversation.PickAgain
	method, name         = conversation.PickMethod, conversation.PickName
)

var amsterdam, monday = wordstest.Amsterdam, wordstest.Monday

func options(t testing.TB) words.Options { return wordstest.Options(t) }

func newWords(t testing.TB) *words.Words { return wordstest.New(t) }

func offers(choices ...conversation.Choice) []conversation.Offer { return wordstest.Offers(choices...) }
