package web

import (
	"html/template"

	"resetbot/conversation"
)

// icons are drawn with strokes on a grid of 24 by 24, in the colour of the text.
var icons = map[string]string{
	"logo":  `<path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5z"/><circle cx="9.5" cy="10" r="1.7"/><path d="M11.2 10H16m-1.6 0v1.8"/>`,
	"sms":   `<path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H10l-4 4v-4.05A2.5 2.5 0 0 1 4 13.5z"/><path d="M8 8.5h8M8 11.5h5"/>`,
	"call":  `<path d="M6.5 3.5 9 4l1 4-2 1.5a12 12 0 0 0 5.5 5.5l1.5-2 4 1 .5 2.5a2.5 2.5 0 0 1-2.5 3A14.5 14.5 0 0 1 3.5 6a2.5 2.5 0 0 1 3-2.5z"/>`,
	"push":  `<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="m9.7 12.2 1.7 1.7 3-3.4"/>`,
	"code":  `<rect x="4.5" y="10.5" width="15" height="10" rx="2.5"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M8.5 15.5h.01M12 15.5h.01M15.5 15.5h.01"/>`,
	"key":   `<circle cx="8" cy="15.5" r="4.5"/><path d="M11.2 12.3 19.5 4m-3.2 3.2 2.7 2.7M14 9.5l1.5 1.5"/>`,
	"lock":  `<rect x="4.5" y="10.5" width="15" height="10" rx="2.5"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.5v2"/>`,
	"open":  `<rect x="4.5" y="10.5" width="15" height="10" rx="2.5"/><path d="M8 10.5V7.5a4 4 0 0 1 7.7-1.5M12 14.5v2"/>`,
	"more":  `<circle cx="12" cy="12" r="9"/><path d="M8 12h.01M12 12h.01M16 12h.01"/>`,
	"check": `<path d="m5 12.5 4.7 4.7L19.5 7"/>`,
	"lost":  `<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M12 7.5v5.5M12 16.5h.01"/>`,
	"page":  `<path d="M14 4h6v6M20 4l-9 9M18 14v3.5a2.5 2.5 0 0 1-2.5 2.5h-9A2.5 2.5 0 0 1 4 17.5v-9A2.5 2.5 0 0 1 6.5 6H10"/>`,
	"desk":  `<path d="M4.5 15v-3a7.5 7.5 0 0 1 15 0v3"/><rect x="3.5" y="13.5" width="4" height="6" rx="1.7"/><rect x="16.5" y="13.5" width="4" height="6" rx="1.7"/>`,
	"again": `<path d="M19.5 12A7.5 7.5 0 1 1 17 6.4L19.5 9M19.5 4v5h-5"/>`,
	"audio": `<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"/>`,
	"back":  `<path d="M19 12H5m6-6-6 6 6 6"/>`,
	"help":  `<circle cx="12" cy="12" r="9"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .9-1 1.7M12 16.5h.01"/>`,
	"stop":  `<path d="m6.5 6.5 11 11m0-11-11 11"/>`,
	"send":  `<path d="M4.5 12 20 4.5 15.5 20l-3.5-6zM12 14l8-9.5"/>`,
	"go":    `<path d="m9.5 5.5 6.5 6.5-6.5 6.5"/>`,
	"info":  `<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.5h.01"/>`,
	"warn":  `<path d="M12 4 2.8 19.5h18.4zM12 10v4.5M12 17h.01"/>`,
	"eye":   `<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/>`,
	"mail":  `<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="m3.5 7.5 8.5 6 8.5-6"/>`,
	"badge": `<rect x="3.5" y="5" width="17" height="12" rx="2"/><path d="M8.5 20.5h7M12 17v3.5"/>`,
}

// drawn is an icon as markup. It says nothing that the words beside it do not.
func drawn(name string) template.HTML {
	paths, ok := icons[name]
	if !ok {
		return ""
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + paths + `</svg>`)
}

// choiceIcons are the icons of choices.
var choiceIcons = map[conversation.Choice]string{
	conversation.PickReset: "key", conversation.PickStuck: "lock", conversation.PickElse: "more",
	conversation.PickWorks: "check", conversation.PickUnlock: "open", conversation.PickSMS: "sms",
	conversation.PickCall: "call", conversation.PickPush: "push", conversation.PickCode: "code",
	conversation.PickLostPhone: "lost", conversation.PickMicrosoft: "page", conversation.PickDesk: "desk",
	conversation.PickAgain: "again", conversation.PickCaptcha: "again", conversation.PickAudio: "audio",
	conversation.PickYes: "check", conversation.PickNo: "stop", conversation.PickBack: "back",
	conversation.PickHelp: "help", conversation.PickCancel: "stop", conversation.PickResend: "again",
	conversation.PickLink: "again", conversation.PickNext: "check", conversation.PickTrouble: "help",
	conversation.PickEnrol: "push",
}

func icon(c conversation.Choice) string { return choiceIcons[c] }
