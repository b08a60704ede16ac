package main

import (
	"os/exec"

	"coldstation/kiosk"
	"coldstation/kiosk/receipt"
	"coldstation/kiosk/speech"
)

// outfit makes what the station speaks and prints with.
func (a *assembly) outfit(to *kiosk.Parts) error {
	if len(a.settings.speech) > 0 {
		voice := speech.New(speech.Options{Words: a.words, Program: a.settings.speech, Names: a.settings.names, Fault: a.fault})
		to.Voice = voice
		a.beside = append(a.beside, voice.Run)
	}
	if o := a.settings.printer; o.Address != "" {
		o.Words, o.Fault = a.words, a.fault
		printer, err := receipt.New(o)
		if err != nil {
			return err
		}
		to.Printer = printer
		a.beside = append(a.beside, printer.Run)
	}
	return nil
}

// fault passes on that something is wrong, or well again.
func (a *assembly) fault(name, detail string, raised bool) {
	if s := a.running.Load(); s != nil {
		s.Fault(name, detail, raised)
	}
}

// speaker is the program that --speech means; none when the station is silent.
func speaker(says string) speech.Program {
	switch says {
	case "off", "":
		return nil
	case "auto":
		if _, err := exec.LookPath(speech.Espeak[0]); err != nil {
			return nil
		}
		return speech.Espeak
	}
	return speech.ParseProgram(says)
}
