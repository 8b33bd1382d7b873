package main

import (
	"strings"
	"syscall"
	"testing"

	"resetbot/employee"
)

// TestAC30_AUsedUpBudgetOfTheConfigurationClosesItsWay: in the program as it runs,
// and as it runs again after it was killed.
func TestAC30_AUsedUpBudgetOfTheConfigurationClosesItsWay(t *testing.T) {
	p := serveSample(t, []string{hasty}, // a window so long that its end is not met by chance
		"#budget:", "budget:", "#sms: {n: 1000, window: 1h}", "sms: {n: 2, window: 8784h}")
	const closed, alarm = "kan nu even niet, vanaf", `"msg":"alarm"`
	w := p.visit(marieke)
	must(t, w.Identify(t.Context()))
	if w.Sees(closed) {
		t.Fatalf("it is closed already:\n%s", w.Page.Text)
	}
	must(t, w.Prove(t.Context(), employee.SMS))
	p.log.line(t, "alarm")

	for range 2 {
		other := p.visit(marieke)
		must(t, other.Identify(t.Context()))
		if !other.Sees(closed) {
			t.Errorf("it is open:\n%s", other.Page.Text)
		}
		if err := other.Press(t.Context(), "Sms-bericht"); err == nil {
			t.Error("its button can be pressed")
		}
		p.end(syscall.SIGKILL)
		p.start()
	}
	last := p.visit(marieke)
	must(t, last.Identify(t.Context()))
	must(t, last.Prove(t.Context(), employee.Call)) // the other ways are there
	if log := p.log.String(); strings.Contains(log, alarm) {
		t.Errorf("a restart has another alarm:\n%s", log)
	}
}
