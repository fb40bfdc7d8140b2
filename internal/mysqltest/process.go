package mysqltest

import "os/exec"

type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process is gone
}

// startProcess starts a child that a terminal's interrupt does not reach and
// that, where the system can do so, ends with this process.
func startProcess(path string, args []string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), done: make(chan struct{})}
	tether(p.cmd)
	started := make(chan error)
	go func() {
		// Linux ends the child when the thread that forked it ends.
		lockThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.cmd.Wait()
			close(p.done)
		}
	}()
	return p, <-started
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}
