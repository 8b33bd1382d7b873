// Package manifest makes the app package of the bot in Microsoft Teams: what an
// administrator uploads, so that people find the bot.
package manifest

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// App is the bot as an administrator adds it to Teams.
type App struct {
	ID           string // of the bot in Entra ID
	Version      string // of the package; Teams takes a changed one under a higher number only
	Organisation string
	PublicURL    string // under which one-time pages are opened in a dialog; https
	Website      string // where people find help; empty: PublicURL
	Words        *words.Words
}

// WritePackage writes the app package that an administrator uploads: a zip with
// the manifest, its words in English, and both icons. The same app gives the
// same bytes.
func (a App) WritePackage(w io.Writer) error {
	m, err := a.manifest()
	if err != nil {
		return err
	}
	files := []struct {
		name string
		is   any
	}{
		{"manifest.json", m},
		{englishFile, a.texts(words.English)},
		{colorIcon, icon(colorIconSize, true)},
		{outlineIcon, icon(outlineIconSize, false)},
	}
	archive := zip.NewWriter(w)
	for _, f := range files {
		data, ok := f.is.([]byte)
		if !ok {
			data = indented(f.is)
		}
		entry, err := archive.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: epoch})
		if err != nil {
			return fmt.Errorf("writing the app package: %w", err)
		}
		if _, err := entry.Write(data); err != nil {
			return fmt.Errorf("writing the app package: %w", err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("writing the app package: %w", err)
	}
	return nil
}

// epoch is the age of every file in a package: the first day that a zip knows.
var epoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// The files beside the manifest.
const (
	englishFile = "en.json"
	colorIcon   = "color.png"
	outlineIcon = "outline.png"
)

// indented is a file as somebody reads it who looks into the package.
func indented(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(value) // strings, booleans and lists of them: there is nothing that could fail
	return b.Bytes()
}

// manifestVersion is of the schema: one that every cloud knows by now.
const manifestVersion = "1.20"

// appManifest is manifest.json (Microsoft Teams, "App manifest schema").
type appManifest struct {
	Schema       string       `json:"$schema"`
	Schemaed     string       `json:"manifestVersion"`
	Version      string       `json:"version"`
	ID           string       `json:"id"`
	Developer    developer    `json:"developer"`
	Name         label        `json:"name"`
	Description  label        `json:"description"`
	Icons        icons        `json:"icons"`
	Accent       string       `json:"accentColor"`
	Localization localization `json:"localizationInfo"`
	Bots         []appBot     `json:"bots"`
	InstallScope string       `json:"defaultInstallScope"`
	Domains      []string     `json:"validDomains"`
}

type developer struct {
	Name    string `json:"name"`
	Website string `json:"websiteUrl"`
	Privacy string `json:"privacyUrl"`
	Terms   string `json:"termsOfUseUrl"`
}

type label struct {
	Short string `json:"short"`
	Full  string `json:"full"`
}

type icons struct {
	Color   string `json:"color"`
	Outline string `json:"outline"`
}

type localization struct {
	Default string     `json:"defaultLanguageTag"`
	Others  []language `json:"additionalLanguages"`
}

type language struct {
	Tag  string `json:"languageTag"`
	File string `json:"file"`
}

// appBot is the bot: it talks to one person at a time, and takes no files.
type appBot struct {
	ID       string        `json:"botId"`
	Scopes   []string      `json:"scopes"`
	Notifies bool          `json:"isNotificationOnly"`
	Files    bool          `json:"supportsFiles"`
	Commands []commandList `json:"commandLists"`
}

type commandList struct {
	Scopes   []string  `json:"scopes"`
	Commands []command `json:"commands"`
}

type command struct {
	Title string `json:"title"`
	About string `json:"description"`
}

// How many characters Teams takes.
const (
	developerMax = 32
	shortNameMax = 30
	fullNameMax  = 100
	shortTextMax = 80
	longTextMax  = 4000
)

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

var semver = regexp.MustCompile(`^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}$`)

func (a App) manifest() (appManifest, error) {
	public, err := url.Parse(a.PublicURL)
	var faults []error
	if !guid.MatchString(a.ID) {
		faults = append(faults, errors.New("app_id is no id of an application; it is like 01234567-89ab-cdef-0123-456789abcdef"))
	}
	if !semver.MatchString(a.Version) {
		faults = append(faults, errors.New("the version is none; it is three numbers, like 1.0.0"))
	}
	if err != nil || public.Scheme != "https" || public.Host == "" {
		faults = append(faults, errors.New("public_url does not begin with https://, and Teams opens nothing else in a dialog"))
	}
	if err := errors.Join(faults...); err != nil {
		return appManifest{}, err
	}
	website := a.Website
	if website == "" {
		website = a.PublicURL
	}
	personal := []string{"personal"}
	return appManifest{
		Schema:   "https://developer.microsoft.com/json-schemas/teams/v" + manifestVersion + "/MicrosoftTeams.schema.json",
		Schemaed: manifestVersion, Version: a.Version, ID: strings.ToLower(a.ID),
		Developer: developer{
			Name:    cut(a.Organisation, developerMax),
			Website: website, Privacy: a.PublicURL, Terms: a.PublicURL,
		},
		Name:        label{a.say(words.Dutch, words.AppName, shortNameMax), a.say(words.Dutch, words.AppFullName, fullNameMax)},
		Description: label{a.say(words.Dutch, words.AppShort, shortTextMax), a.say(words.Dutch, words.AppLong, longTextMax)},
		Icons:       icons{colorIcon, outlineIcon}, Accent: accent,
		Localization: localization{words.Dutch, []language{{words.English, englishFile}}},
		Bots: []appBot{{
			ID: strings.ToLower(a.ID), Scopes: personal, Commands: []commandList{{personal, a.commands(words.Dutch)}},
		}},
		InstallScope: personal[0], Domains: []string{public.Host},
	}, nil
}

// commands are what a person can begin with, in a menu above the place to type.
func (a App) commands(locale string) []command {
	var list []command
	for _, c := range []struct{ title, about words.Phrase }{
		{words.AppReset, words.AppResetAbout},
		{words.AppHelp, words.AppHelpAbout},
		{words.AppLanguage, words.AppLanguageAbout},
	} {
		list = append(list, command{a.say(locale, c.title, shortTextMax), a.say(locale, c.about, longTextMax)})
	}
	return list
}

// texts are the manifest's words in another language, by their place in it.
func (a App) texts(locale string) map[string]string {
	texts := map[string]string{
		"$schema": "https://developer.microsoft.com/json-schemas/teams/v" + manifestVersion +
			"/MicrosoftTeams.Localization.schema.json",
		"name.short":        a.say(locale, words.AppName, shortNameMax),
		"name.full":         a.say(locale, words.AppFullName, fullNameMax),
		"description.short": a.say(locale, words.AppShort, shortTextMax),
		"description.full":  a.say(locale, words.AppLong, longTextMax),
	}
	for i, c := range a.commands(locale) {
		at := fmt.Sprintf("bots[0].commandLists[0].commands[%d].", i)
		texts[at+"title"], texts[at+"description"] = c.Title, c.About
	}
	return texts
}

func (a App) say(locale string, p words.Phrase, most int) string {
	return cut(a.Words.Phrase(locale, p, conversation.Args{}, time.Time{}), most)
}

// cut makes a text so short, between words where it can.
func cut(text string, most int) string {
	r := []rune(strings.TrimSpace(text))
	if len(r) <= most {
		return string(r)
	}
	short := string(r[:most-1])
	if at := strings.LastIndex(short, " "); r[most-1] != ' ' && at > len(short)/2 {
		short = short[:at]
	}
	return strings.TrimSpace(short) + "…"
}
