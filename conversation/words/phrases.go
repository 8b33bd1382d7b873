package words

import (
	"time"

	"resetbot/conversation"
)

// Phrase is a loose sentence of an adapter's own: a button, a notice, a hint
// that belongs to no page of the wizard.
type Phrase string

// The phrases.
const (
	ChatTitle         Phrase = "ui.chat_title"
	TypeHere          Phrase = "ui.type_here"
	Send              Phrase = "ui.send"
	YourChoice        Phrase = "ui.your_choice"
	Wait              Phrase = "ui.wait"
	Offline           Phrase = "ui.offline"
	SlowDown          Phrase = "ui.slow_down"
	PrivateOnly       Phrase = "ui.private_only"    // in a channel or a group
	SlackGuest        Phrase = "ui.slack_guest"     // in a workspace of Slack
	SlackElsewhere    Phrase = "ui.slack_elsewhere" // somebody of another workspace, or in one that is not served
	NotServed         Phrase = "ui.not_served"      // a guest, another organisation, a program
	TextOnly          Phrase = "ui.text_only"       // a picture, a file, a voice message
	Edited            Phrase = "ui.edited"          // a message that its writer changed
	NotKnownNow       Phrase = "ui.not_known_now"   // whoever knows people is out of reach
	Received          Phrase = "ui.received"
	OpenPassword      Phrase = "ui.open_password"
	OpenPage          Phrase = "ui.open_page" // where it is not for a new password
	OpenPasswordAgain Phrase = "ui.open_password_again"
	PageOver          Phrase = "ui.page_over"  // a one-time page that ended
	SoundOver         Phrase = "ui.sound_over" // the sound of a page that is gone
	SoundOpen         Phrase = "ui.sound_open" // where a browser has no player
	SoundFile         Phrase = "ui.sound_file" // in a terminal, before the name of the file
	SoundPlay         Phrase = "ui.sound_play" // a button that leads to it
	PageSent          Phrase = "ui.page_sent"
	GoOnInChat        Phrase = "ui.go_on_in_chat"   // on a one-time page
	PageWord          Phrase = "ui.page_word"       // on the one-time page: Args.Word must be in the chat too
	PageWordAsk       Phrase = "ui.page_word_ask"   // and asks for the chat's second word
	PageWords         Phrase = "ui.page_words"      // in the chat: Word the page shows, Name it asks for
	PageWordWrong     Phrase = "ui.page_word_wrong" //
	Counter           Phrase = "ui.counter"         // a script puts numbers for {n} and {min}
	CounterEnough     Phrase = "ui.counter_enough"
	RuleLength        Phrase = "ui.rule_length" // the rules that a script ticks; it puts a number for {min}
	RuleCharacter     Phrase = "ui.rule_character"
	RulePersonal      Phrase = "ui.rule_personal"
	RuleCommon        Phrase = "ui.rule_common"
	RuleBreached      Phrase = "ui.rule_breached"
	RuleComplexity    Phrase = "ui.rule_complexity" // only where a directory asks for it
	RuleEnds          Phrase = "ui.rule_ends"
	RuleSame          Phrase = "ui.rule_same"
	RuleDone          Phrase = "ui.rule_done"  // behind one that is kept, for who hears the page
	RuleLater         Phrase = "ui.rule_later" // where the others cannot be judged as one types
	CapsLock          Phrase = "ui.caps_lock"
	ShowPassword      Phrase = "ui.show_password"
	HidePassword      Phrase = "ui.hide_password"
	StillThere        Phrase = "ui.still_there"
	StillHere         Phrase = "ui.still_here"
	Erase             Phrase = "ui.erase"
	Erased            Phrase = "ui.erased"
	NoPage            Phrase = "ui.no_page" // an address that is none, or cannot be used like that
	NotMe             Phrase = "ui.not_me"  // the button of a notice's page
	NotMeAsk          Phrase = "ui.not_me_ask"
	NotMeDone         Phrase = "ui.not_me_done"
	NotMeOver         Phrase = "ui.not_me_over"
	SuggestPassword   Phrase = "ui.suggest_password" // Args.Word is one
	PressEnter        Phrase = "ui.press_enter"      // before a password can be typed unseen
	AppKey            Phrase = "ui.app_key"          // Args.Word is the key of an authenticator, to type
	OpenApp           Phrase = "ui.open_app"         // an authenticator on this same device
	TypeCurrent       Phrase = "ui.type_current"     // in a terminal, which shows nothing
	TypePassword      Phrase = "ui.type_password"    // in a terminal, which shows nothing
	TypePasswordAgain Phrase = "ui.type_password_again"
	MeantSo           Phrase = "ui.meant_so"    // a blank at an end of the password
	FieldEmpty        Phrase = "ui.field_empty" // on a field that must be filled in
	CardOver          Phrase = "ui.card_over"   // on a page that is over and still in sight
	FillIn            Phrase = "ui.fill_in"     // a button that leads to the form of a page
	PickThis          Phrase = "ui.pick_this"   // a button beside the words of a choice
	FormClose         Phrase = "ui.form_close"
	InDirectMessages  Phrase = "ui.in_direct_messages"  // where a command was typed
	SlackInstalled    Phrase = "ui.slack_installed"     // to who installed the app in a workspace
	SlackNotInstalled Phrase = "ui.slack_not_installed" // to who tried
	TypedStays        Phrase = "ui.typed_stays"         // in Slack, which keeps what is typed
	FilledStaysOut    Phrase = "ui.filled_out"          // in a form there, which stays out of the chat
	PictureInChat     Phrase = "ui.picture_in_chat"     // in a form, of what stands beside it
	HomeBegin         Phrase = "ui.home_begin"          // the button of the page of an app
	AppName           Phrase = "ui.app_name"            // what the bot is called where apps are looked for
	AppFullName       Phrase = "ui.app_full_name"
	AppShort          Phrase = "ui.app_short" // what it does, in one sentence
	AppLong           Phrase = "ui.app_long"
	AppReset          Phrase = "ui.app_reset" // words to begin with, which everybody can type, and what they are for
	AppResetAbout     Phrase = "ui.app_reset_about"
	AppHelp           Phrase = "ui.app_help"
	AppHelpAbout      Phrase = "ui.app_help_about"
	AppLanguage       Phrase = "ui.app_language"
	AppLanguageAbout  Phrase = "ui.app_language_about"
)

// Phrase says a phrase; an unknown one is empty.
func (w *Words) Phrase(locale string, p Phrase, args conversation.Args, now time.Time) string {
	s := w.speaker(locale, now)
	return s.line(string(p), s.args(args))
}
