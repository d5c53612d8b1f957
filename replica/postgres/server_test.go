package postgres

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// server is a PostgreSQL of the test's own.
type server struct {
	t    *testing.T
	dir  string
	port int
	cmd  *exec.Cmd
	as   *syscall.SysProcAttr

	ended chan struct{} // closed when the process has
}

// theServer is started by the first test that needs it, and ended by TestMain.
var theServer struct {
	sync.Once
	*server
}

// tool returns the path of a program of the server.
func tool(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if path, err := exec.LookPath(name); len(found) == 0 && err == nil {
		return path
	}
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// missing says that the server cannot be had: the test is skipped or, where CI=true, fails.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// newServer starts a server, on a folder that is removed with it.
func newServer(t *testing.T) *server {
	if tool("initdb") == "" {
		install()
	}
	if tool("initdb") == "" {
		missing(t, "there is no PostgreSQL: apt-get install postgresql")
	}
	dir, err := os.MkdirTemp("", "muster-postgres")
	require.NoError(t, err)
	s := &server{t: t, dir: dir, as: &syscall.SysProcAttr{Setpgid: true}}
	if os.Getuid() == 0 { // the server does not run as root
		as, err := user.Lookup("postgres")
		if err != nil {
			missing(t, "root cannot run PostgreSQL, and there is no user postgres")
		}
		uid, _ := strconv.Atoi(as.Uid)
		gid, _ := strconv.Atoi(as.Gid)
		require.NoError(t, os.Chown(dir, uid, gid))
		s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	s.do("initdb", "-D", filepath.Join(dir, "data"), "-U", "muster", "-A", "trust", "-E", "UTF8", "--no-sync")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.port = free.Addr().(*net.TCPAddr).Port
	require.NoError(t, free.Close())
	s.start()
	return s
}

// install has Debian's server installed, if it can be.
func install() {
	if os.Getuid() != 0 {
		return
	}
	for _, args := range [][]string{{"update", "-q"}, {"install", "-yq", "--no-install-recommends", "postgresql"}} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if cmd.Run() != nil {
			return
		}
	}
}

// do runs a tool as the user of the server.
func (s *server) do(name string, args ...string) {
	cmd := exec.Command(tool(name), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.as
	out, err := cmd.CombinedOutput()
	require.NoError(s.t, err, "%s: %s", name, out)
}

// start starts the server on its folder, and waits until it answers. After a kill it refuses
// for as long as processes of the former one are there: it is tried again.
func (s *server) start() {
	require.Eventually(s.t, func() bool {
		s.cmd = exec.Command(tool("postgres"), "-D", filepath.Join(s.dir, "data"), "-p", strconv.Itoa(s.port),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir, "-c", "max_connections=200")
		s.cmd.Dir, s.cmd.SysProcAttr = s.dir, s.as
		if s.cmd.Start() != nil {
			return false
		}
		ended := make(chan struct{})
		s.ended = ended
		go func(cmd *exec.Cmd) {
			defer close(ended)
			_ = cmd.Wait() // it was killed, or could not start
		}(s.cmd)
		return s.answers()
	}, time.Minute, 20*time.Millisecond)
}

// answers waits until the server answers, or has ended.
func (s *server) answers() bool {
	for {
		select {
		case <-s.ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			_ = conn.Close(ctx) // it answers
		}
		cancel()
		if err == nil {
			return true
		}
	}
}

// kill ends the server as a crash of it does. Its other processes end when they find it gone.
func (s *server) kill() error {
	err := s.cmd.Process.Kill()
	<-s.ended
	return err
}

func (s *server) url(database string) string {
	return fmt.Sprintf("postgres://muster@127.0.0.1:%d/%s", s.port, database)
}

// database makes an empty database, and returns a pool of it and its URL.
func database(t *testing.T) (*pgxpool.Pool, string) {
	theServer.Do(func() { theServer.server = newServer(t) })
	if theServer.server == nil {
		missing(t, "there is no PostgreSQL")
	}
	return theServer.server.database(t)
}

func (s *server) database(t *testing.T) (*pgxpool.Pool, string) {
	ctx := context.Background()
	admin, err := pgxpool.New(ctx, s.url("postgres"))
	require.NoError(t, err)
	defer admin.Close()
	name := fmt.Sprintf("test_%d", time.Now().UnixNano())
	_, err = admin.Exec(ctx, "CREATE DATABASE "+name)
	require.NoError(t, err)
	pool, err := pgxpool.New(ctx, s.url(name)+"?pool_max_conns=16")
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool, s.url(name) + "?pool_max_conns=16"
}

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		workerMain()
		return
	}
	code := m.Run()
	if s := theServer.server; s != nil {
		_ = s.kill() // the folder goes with it
		_ = os.RemoveAll(s.dir)
	}
	os.Exit(code)
}
