package words

import (
	"maps"
	"slices"
	"strings"

	"resetbot/conversation"
)

// typed are the words that people type for a choice, in both languages,
// beside the labels of the buttons. Letter case, accents, punctuation and
// words that add nothing ("ik wil graag …") do not matter.
//
// A phrase may stand with several choices ("opnieuw"): the first of them, in
// this order, that the page allows is meant.
var typed = []struct {
	choice  conversation.Choice
	phrases []string
}{
	{conversation.PickCancel, []string{
		"annuleren", "annuleer", "annuleren aub", "stop", "stoppen", "stop maar", "ik wil stoppen",
		"afbreken", "beëindigen",
		"laat maar", "ophouden", "dit was ik niet", "ik was dit niet", "dat was ik niet", "ik was het niet",
		"cancel", "quit", "exit", "abort", "never mind", "i want to stop", "this was not me",
		"this wasn't me",
		"that was not me", "it wasn't me",
	}},
	{conversation.PickBack, []string{
		"terug", "ga terug", "vorige", "vorige vraag", "stap terug", "back", "go back", "previous",
		"previous question",
	}},
	{conversation.PickHelp, []string{
		"help", "hulp", "uitleg", "help mij", "ik snap het niet", "ik begrijp het niet", "hoe werkt dit",
		"wat moet ik doen",
		"help me", "how does this work", "i don't understand", "what do i do", "what should i do",
	}},
	{conversation.PickDesk, []string{
		"servicedesk", "service desk", "helpdesk", "help desk", "bel de servicedesk", "medewerker",
		"iemand spreken",
		"ik wil iemand spreken", "kan ik iemand spreken", "een mens spreken", "een echt mens",
		"human", "a human", "a person", "speak to a person", "talk to someone", "talk to a human",
		"speak to someone", "speak to somebody", "call the service desk",
	}},
	{conversation.PickDutch, []string{"nederlands", "in het nederlands", "dutch", "in dutch"}},
	{conversation.PickEnglish, []string{
		"engels", "in het engels", "english", "in english",
		"english please",
	}},
	{conversation.PickReset, []string{
		"wachtwoord", "wachtwoord vergeten", "wachtwoord kwijt", "wachtwoord resetten",
		"wachtwoord herstellen",
		"wachtwoord wijzigen", "wachtwoord veranderen", "nieuw wachtwoord", "reset", "resetten",
		"paswoord vergeten",
		"ww vergeten", "password", "forgot password", "forgotten password", "forgotten my password",
		"lost password",
		"password reset", "reset password", "new password", "change password",
	}},
	{conversation.PickStuck, []string{
		"kan niet inloggen", "ik kan niet inloggen", "kom er niet in", "ik kom er niet in",
		"inloggen lukt niet",
		"het inloggen lukt niet", "ik weet mijn wachtwoord", "geblokkeerd", "account geblokkeerd",
		"mijn account is geblokkeerd", "account op slot", "cannot log in", "can't log in", "cannot sign in",
		"can't sign in", "can't get in", "stuck", "locked out", "account locked", "i know my password",
	}},
	{conversation.PickMethod, []string{
		"andere manier", "op een andere manier", "andere methode", "iets anders", "anders", "another way",
		"a different way", "other way", "other method", "something else",
	}},
	{conversation.PickElse, []string{"iets anders", "anders", "overig", "something else", "other", "else"}},
	{conversation.PickWorks, []string{
		"nu lukt het", "het lukt", "het lukt nu", "gelukt", "opgelost", "het werkt", "het werkt weer",
		"it works",
		"it works now", "solved",
	}},
	{conversation.PickNext, []string{
		"volgende", "volgende stap", "gelukt", "gelukt volgende", "het is gelukt", "het lukt", "dat is gelukt",
		"klaar", "verder", "ga verder", "gedaan", "ok", "oke", "ja", "ja gelukt", "next", "next step", "done",
		"continue", "go on", "ready", "it worked", "that worked", "it works", "yes",
	}},
	{conversation.PickTrouble, []string{
		"lukt niet", "het lukt niet", "help het lukt niet", "het lukt mij niet", "niet gelukt", "werkt niet",
		"het werkt niet", "mislukt", "ik kom niet verder", "ik kom er niet uit", "vastgelopen", "ik zit vast",
		"probleem", "foutmelding", "nee", "nog niet", "it does not work", "it doesn't work", "doesn't work",
		"not working", "i'm stuck", "stuck", "problem", "error", "error message", "no", "not yet",
		"help it doesn't work",
	}},
	{conversation.PickEnrol, []string{
		"authenticator koppelen", "authenticator app koppelen", "authenticator instellen", "app koppelen",
		"nieuwe authenticator", "nieuwe telefoon instellen", "authenticator toevoegen", "add an authenticator",
		"add authenticator", "add an app", "set up authenticator", "enrol", "enroll",
	}},
	{conversation.PickUnlock, []string{
		"ontgrendelen", "ontgrendel", "account ontgrendelen", "ontgrendel mijn account", "deblokkeren",
		"unlock",
		"unlock account", "unlock my account",
	}},
	{conversation.PickYes, []string{
		"ja", "j", "jawel", "ja hoor", "ja graag", "ja klopt", "klopt", "dat klopt", "dat ben ik", "ok",
		"oke", "yes", "y", "yep",
		"yeah", "correct", "that's me", "that is right",
	}},
	{conversation.PickNo, []string{
		"nee", "neen", "n", "nog niet", "nee nog niet", "klopt niet", "dat klopt niet", "no", "nope",
		"not yet",
		"that is not right",
	}},
	{conversation.PickOther, []string{
		"ander account", "een ander account", "niet mijn account", "dat ben ik niet", "nee",
		"nee ander account",
		"klopt niet", "dat klopt niet", "other account", "another account", "a different account",
		"not my account",
		"that is not me", "no",
	}},
	{conversation.PickCaptcha, []string{
		"nieuwe afbeelding", "andere afbeelding", "nieuw plaatje", "ander plaatje", "niet leesbaar",
		"onleesbaar",
		"ik kan het niet lezen", "vernieuwen", "new image", "new picture", "another image",
		"another picture",
		"i can't read it", "refresh",
	}},
	{conversation.PickAudio, []string{
		"audio", "geluid", "voorlezen", "luisteren", "sound", "listen",
		"read aloud",
	}},
	{conversation.PickSMS, []string{
		"sms", "sms bericht", "smsje", "sms'je", "sms code", "sms sturen", "stuur een sms",
		"stuur mij een sms", "via sms",
		"per sms", "bericht", "tekstbericht", "text", "text message", "send a text", "text me",
		"sms message", "by text",
	}},
	{conversation.PickCall, []string{
		"bellen", "bel", "bel mij", "bel me", "bel me op", "opbellen", "gebeld worden",
		"ik wil gebeld worden", "telefoontje",
		"oproep", "mobiel bellen", "telefoon bellen", "call", "call me", "phone call", "call my phone",
		"call my mobile",
	}},
	{conversation.PickPush, []string{
		"melding", "een melding", "push", "pushmelding", "push melding", "notificatie", "app melding",
		"melding app",
		"melding in de app", "melding goedkeuren", "goedkeuren", "notification", "push notification",
		"approve",
		"app notification", "approve notification",
	}},
	{conversation.PickCode, []string{
		"code", "app code", "code app", "code uit de app", "code invoeren", "authenticator code",
		"code authenticator",
		"code uit de authenticator", "code uit de authenticator app", "code from the app", "code from app",
		"code from authenticator", "enter a code",
	}},
	{conversation.PickLostPhone, lostPhone},
	{conversation.PickNoPhone, []string{
		"geen telefoon", "geen telefoon bij me", "geen telefoon bij mij", "geen mobiel",
		"geen mobiel bij me",
		"ik heb geen telefoon", "ik heb mijn telefoon niet", "telefoon niet bij me",
		"telefoon niet bij mij",
		"mijn telefoon niet bij me", "mobiel niet bij me", "mobieltje niet bij me", "telefoon niet hier",
		"telefoon niet mee",
		"telefoon niet meegenomen", "telefoon vergeten", "telefoon vergeten mee te nemen",
		"vergeten mijn telefoon mee te nemen",
		"mobiel vergeten", "telefoon thuis", "telefoon ligt thuis", "mobiel ligt thuis",
		"telefoon thuis laten liggen",
		"telefoon laten liggen", "telefoon in de kluis", "telefoon in kluisje", "telefoon leeg",
		"telefoon is leeg",
		"telefoon kapot", "telefoon is kapot", "zonder telefoon",
		"no phone", "no phone with me", "i don't have a phone", "i don't have my phone",
		"i don't have my phone with me",
		"i do not have my phone with me", "phone not with me", "my phone is not with me", "forgot my phone",
		"i forgot my phone", "left my phone at home", "i left my phone at home", "phone at home",
		"my phone is at home",
		"without phone", "phone is dead", "phone is empty", "phone is broken", "no mobile",
		"no mobile with me",
	}},
	// Who lost the phone does not have it here either: where reporting a loss
	// is not among the choices, the way without a phone is.
	{conversation.PickNoPhone, lostPhone},
	{conversation.PickNotMine, []string{
		"niet mijn nummer", "dit is niet mijn nummer", "dit is niet meer mijn nummer",
		"dat is niet mijn nummer",
		"ander nummer", "ik heb een ander nummer", "ik heb een nieuw nummer", "nieuw nummer", "oud nummer",
		"nummer klopt niet",
		"het nummer klopt niet", "not my number", "this is not my number", "this isn't my number",
		"other number",
		"i have a new number", "new number", "old number", "wrong number", "the number is wrong",
	}},
	{conversation.PickMicrosoft, []string{
		"microsoft", "microsoft pagina", "pagina van microsoft",
		"microsoft page",
	}},
	{conversation.PickAgain, []string{
		"opnieuw beginnen", "begin opnieuw", "opnieuw", "nog een keer", "start again", "start over",
		"restart", "again",
		"try again",
	}},
	{conversation.PickResend, []string{
		"opnieuw sturen", "stuur opnieuw", "opnieuw", "nog een keer", "nog een keer sturen", "nieuwe code",
		"nieuwe sms",
		"stuur een nieuwe code", "geen sms gekregen", "geen sms ontvangen", "geen code gekregen",
		"niets gekregen",
		"niets ontvangen", "resend", "send again", "again", "send a new code", "new code",
		"nothing received",
		"no text received", "i got nothing",
	}},
	{conversation.PickName, []string{
		"ander adres", "adres verbeteren", "verkeerd adres", "andere naam", "naam verbeteren",
		"verkeerde naam",
		"other address", "other name", "wrong address", "wrong name", "correct my name",
	}},
}

var lostPhone = []string{
	"telefoon kwijt", "telefoon gestolen", "telefoon is gestolen", "telefoon verloren",
	"telefoon kwijt of gestolen",
	"ik ben mijn telefoon kwijt", "mijn telefoon is gestolen", "mobiel kwijt", "mobiel gestolen",
	"lost phone", "lost my phone", "i lost my phone", "phone lost", "phone stolen", "stolen phone",
	"my phone was stolen",
	"my phone is stolen",
}

// greetings are answered with help, and before the first page with that page.
var greetings = strings.Fields("hallo hoi hey hi hello goedemorgen goedemiddag goedenavond goedendag dag morning " +
	"start begin")

// fillers are words that add nothing to a choice. No word that turns a
// sentence around (niet, geen, no, not, without) is among them.
var fillers = set("ik wil wilt willen zou graag aub svp alstublieft alsjeblieft een de het t mijn mn me mij u " +
	"uw je kunt kun kan kies mag doe maar dan even nu liever heb helaas sorry ook toch " +
	"i want would like please a an the my you can could have ive now just it pick choose take")

// literal are the choices that must be said as they are: what ends a
// conversation, and answers too short to leave anything out.
var literal = []conversation.Choice{
	conversation.PickCancel, conversation.PickYes, conversation.PickNo, conversation.PickOther,
}

// vocabulary is what is understood. A phrase leads to its choices, the first
// that a page allows being meant.
type vocabulary struct {
	labels map[string]map[string]string     // by locale and id: what stands on the buttons
	exact  map[string][]conversation.Choice // by phrase, as heard hears it
	gist   map[string][]conversation.Choice // by phrase without its fillers
	gists  [][]string                       // the same phrases, for those that were mistyped
}

// learn collects the phrases, and the labels in both languages.
func (w *Words) learn() vocabulary {
	v := vocabulary{
		labels: map[string]map[string]string{},
		exact:  map[string][]conversation.Choice{}, gist: map[string][]conversation.Choice{},
	}
	for _, entry := range typed {
		for _, phrase := range entry.phrases {
			v.add(phrase, entry.choice)
		}
	}
	for _, locale := range locales {
		s := w.speaker(locale, sampleTime)
		v.labels[locale] = map[string]string{}
		for _, id := range slices.Sorted(maps.Keys(w.ids[locale])) {
			name, ok := strings.CutPrefix(id, "choice.")
			if !ok || strings.HasPrefix(name, "desk.") {
				continue
			}
			label := s.word(id)
			v.labels[locale][id] = strings.Join(heard(label), " ")
			name, _, _ = strings.Cut(name, "@")
			v.add(label, conversation.Choice(name))
		}
	}
	for _, phrase := range slices.Sorted(maps.Keys(v.gist)) {
		v.gists = append(v.gists, strings.Fields(phrase))
	}
	return v
}

func (v vocabulary) add(phrase string, choice conversation.Choice) {
	tokens := heard(phrase)
	insert(v.exact, tokens, choice)
	if !slices.Contains(literal, choice) {
		insert(v.gist, gist(tokens), choice)
	}
}

func insert(phrases map[string][]conversation.Choice, tokens []string, choice conversation.Choice) {
	key := strings.Join(tokens, " ")
	if key != "" && !slices.Contains(phrases[key], choice) {
		phrases[key] = append(phrases[key], choice)
	}
}

// gist leaves out what adds nothing.
func gist(tokens []string) []string {
	return slices.DeleteFunc(slices.Clone(tokens), func(t string) bool { return fillers[t] })
}

// set holds the words of a text.
func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}
