package main
import ("testing";"time";"fmt")
func TestZZ(t *testing.T){ p,_ := serveSlack(t, bySocket); time.Sleep(3*time.Second); fmt.Println(p.log) }
