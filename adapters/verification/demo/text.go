package demo

import (
	"cmp"
	"fmt"

	"resetbot/bot"
	"resetbot/conversation"
)

// The sentences that are built in. They say who asks, from where, whom to call
// otherwise, and that a code is for nobody else; the code comes late, so that
// it is not to be read on a locked screen; there is no link in them.

func (o Options) challengeText(c bot.Challenge) string {
	dutch := c.Locale != "en"
	asks := fmt.Sprintf("%s: somebody wants to reset your password from %s.", o.name(dutch), from(c.Chat, dutch))
	if dutch {
		asks = fmt.Sprintf("%s: iemand wil uw wachtwoord herstellen via %s.", o.name(dutch), from(c.Chat, dutch))
	}
	var does, otherwise string
	switch {
	case c.Method == conversation.SMS && dutch:
		does = "Geef deze code aan niemand, ook niet aan de servicedesk: " + grouped(c.Code) + "."
		otherwise = "Bent u dit niet? Bel"
	case c.Method == conversation.SMS:
		does = "Give this code to nobody, not even the service desk: " + grouped(c.Code) + "."
		otherwise = "Not you? Call"
	case c.Method == conversation.Call && dutch:
		does = "Bent u dit zelf? Druk dan op #."
		if c.WithDigits {
			does = "Bent u dit zelf? Toets dan de twee cijfers die u in de chat ziet, en daarna #."
		}
		otherwise = "Bent u dit niet? Druk op 9, en bel"
	case c.Method == conversation.Call:
		does = "Is it you? Then press #."
		if c.WithDigits {
			does = "Is it you? Then press the two digits that the chat shows, and then #."
		}
		otherwise = "Not you? Press 9, and call"
	case dutch:
		does = "Bent u dit zelf? Typ dan de twee cijfers die u in de chat ziet. " +
			"Vraagt iemand u om cijfers te typen, ook de servicedesk, weiger dan."
		otherwise = "Bent u dit niet? Weiger, en bel"
	default:
		does = "Is it you? Then type the two digits that the chat shows. " +
			"If anybody asks you to type digits, the service desk too, deny."
		otherwise = "Not you? Deny, and call"
	}
	return fmt.Sprintf("%s %s %s %s.", asks, does, otherwise, o.desk(dutch))
}

// noticeText says the same by mail and in a text message.
func (o Options) noticeText(owner bot.Account, n conversation.Notice) (mail, text string) {
	dutch := cmp.Or(n.Locale, owner.Locale) != "en"
	said, known := map[conversation.MessageID][2]string{
		conversation.TellProved: {
			"Somebody who wants to reset your password passed the first of two checks.",
			"Iemand die uw wachtwoord wil herstellen, is door de eerste van twee controles gekomen.",
		},
		conversation.TellReset:    {"Your password was changed.", "Uw wachtwoord is gewijzigd."},
		conversation.TellUnlocked: {"Your account was unlocked.", "Uw account is ontgrendeld."},
		conversation.TellLocked: {
			"After too many failed checks your password cannot be reset for a while. You can still sign in.",
			"Na te veel mislukte controles kan uw wachtwoord een tijd niet worden hersteld. Inloggen kan nog wel.",
		},
		conversation.TellDenied: {
			"The reset of your password was denied and has ended.",
			"Het herstellen van uw wachtwoord is geweigerd en gestopt.",
		},
	}[n.Message]
	if !known {
		said = [2]string{"Something happened to your account.", "Er is iets gebeurd met uw account."}
	}
	form, at, what := "%s: %s That was on %s, from %s, receipt %s. Not you? Call %s at once.",
		n.At.Format("2 January 2006 at 15:04"), said[0]
	if dutch {
		form, at, what = "%s: %s Dat was op %s, via %s, bonnummer %s. Was u dit niet? Bel meteen %s.",
			n.At.Format("2-1-2006 om 15:04"), said[1]
	}
	text = fmt.Sprintf(form, o.name(dutch), what, at, from(n.Chat, dutch), n.Receipt, o.desk(dutch))
	return text, text
}

func (o Options) name(dutch bool) string {
	if dutch {
		return cmp.Or(o.Organisation, "Uw werkgever")
	}
	return cmp.Or(o.Organisation, "Your employer")
}

func (o Options) desk(dutch bool) string {
	if dutch {
		return cmp.Or(o.Desk, "de servicedesk")
	}
	return cmp.Or(o.Desk, "the service desk")
}

// from names a chat.
func from(chat string, dutch bool) string {
	switch {
	case chat == "teams":
		return "Teams"
	case chat == "slack":
		return "Slack"
	case chat == "web" && dutch:
		return "de webchat"
	case chat == "web":
		return "the web chat"
	case dutch:
		return "de chat"
	}
	return "the chat"
}

// grouped writes a code as it is read: 123 456.
func grouped(code conversation.Secret) string {
	digits := code.Reveal()
	middle := len(digits) / 2
	return digits[:middle] + " " + digits[middle:]
}
