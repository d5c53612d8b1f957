package postgres

import (
	"context"
	"errors"
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
}

// theServer is started by the first test that needs it, and ended by TestMain.
var theServer struct {
	sync.Once
	*server
}

// tools returns the path of a program of the server.
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

// start starts the server on its folder, and waits until it answers.
func (s *server) start() {
	s.cmd = exec.Command(tool("postgres"), "-D", filepath.Join(s.dir, "data"), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir, "-c", "max_connections=200")
	s.cmd.Dir, s.cmd.SysProcAttr = s.dir, s.as
	require.NoError(s.t, s.cmd.Start())
	require.Eventually(s.t, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		pool, err := pgxpool.New(ctx, s.url("postgres"))
		if err != nil {
			return false
		}
		defer pool.Close()
		return pool.Ping(ctx) == nil
	}, time.Minute, 20*time.Millisecond)
}

// kill ends the server with all its processes, as a crash of the machine does, but for what
// the machine had not written.
func (s *server) kill() error {
	err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	if wait := s.cmd.Wait(); wait != nil && (&exec.ExitError{}).Error() == "" {
		err = errors.Join(err, wait)
	}
	// Its other processes have groups of their own, and end when they find it gone.
	return err
}

func (s *server) url(database string) string {
	return fmt.Sprintf("postgres://muster@127.0.0.1:%d/%s?pool_max_conns=16", s.port, database)
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
	pool, err := pgxpool.New(ctx, s.url(name))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool, s.url(name)
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
