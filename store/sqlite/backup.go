package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/freehold-dev/freehold/store"
)

// Backup copies the whole database, with the host's tables in it, to a new file at path, while others read and
// write. The copy shows the database at one instant, has no free pages, and opens like the original. Only the
// owner can read it (mode 0600). It is on the disk before Backup returns, and gets its name only then. So an
// error or a crash leaves no incomplete copy, and at most a file whose name ends in ".part". The directory must
// exist, and the file must not.
//
// Do not copy the file itself while somebody writes to it: most of such copies are corrupt.
//
// Backup never makes a writer wait. While it runs, the write-ahead log cannot be emptied, and grows by what is
// written meanwhile. For a Store made by [New], Backup uses a connection of the host's handle.
//
// Errors: [store.ErrInvalid] with the field "path"; [store.ErrAlreadyExists] with the field "path";
// [store.ErrStorageFull]; [store.ErrCanceled].
func (s *Store) Backup(ctx context.Context, path string) error {
	if _, err := fileURI(path); err != nil {
		return err
	}
	if err := vacant(path); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return &store.Error{Code: store.ErrStorageFull, Err: err}
	case err != nil:
		return &store.Error{Code: store.ErrInvalid, Field: "path", Reason: "no file can be made there", Err: err}
	}
	defer func() {
		_ = part.Close()
		_ = os.Remove(part.Name())
	}()
	if err := s.copyInto(ctx, part.Name()); err != nil {
		return err
	}
	switch err := part.Sync(); {
	case errors.Is(err, syscall.ENOSPC):
		return &store.Error{Code: store.ErrStorageFull, Err: err}
	case err != nil:
		return &store.Error{Code: store.ErrInternal, Reason: "the copy did not reach the disk", Err: err}
	}
	switch err := os.Link(part.Name(), path); { // fails if the file exists; a rename would not
	case errors.Is(err, fs.ErrExist):
		return vacant(path)
	case err != nil: // the file system has no links
		if err := vacant(path); err != nil {
			return err
		}
		if err := os.Rename(part.Name(), path); err != nil {
			return &store.Error{Code: store.ErrInternal, Reason: "the copy has no name", Err: err}
		}
	}
	syncDirectory(filepath.Dir(path))
	return nil
}

// vacant refuses a path with a file, or with the side files of an earlier database there: SQLite would take
// them for the copy's.
func vacant(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-journal"} {
		if _, err := os.Lstat(name); err == nil {
			return &store.Error{Code: store.ErrAlreadyExists, Field: "path", Reason: "there is a file already: " + filepath.Base(name)}
		}
	}
	return nil
}

// copyInto copies to an existing, empty file. It uses a handle of its own, because this package's readers must
// not write to files, or the host's handle.
func (s *Store) copyInto(ctx context.Context, path string) error {
	db := s.writers.db
	if s.readers != nil {
		var original string
		err := s.onReader(ctx, func(conn *sql.Conn) (err error) {
			original, err = mainFile(ctx, conn)
			return err
		})
		if err != nil {
			return err
		}
		file, err := fileURI(original)
		if err != nil {
			return err
		}
		db = Options{}.handle(file, 1, url.Values{"_busy_timeout": {milliseconds(s.patience)}})
		defer func() { _ = db.Close() }()
	} else if err := s.open(ctx); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `VACUUM INTO ?`, path)
	return translate(ctx, err)
}

// syncDirectory writes a file's name to the disk, on systems that can sync a directory.
func syncDirectory(path string) {
	if dir, err := os.Open(path); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}
