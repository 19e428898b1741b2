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

// Backup copies the whole database, the host's tables in it too, to a new file at path, while others
// read and write: as it was at one instant, without free pages, and to be opened like the original.
// The copy is the owner's alone to read (mode 0600), is on the disk before Backup returns, and has its
// name only then: what fails, or a crash, leaves no copy that is not whole, at most a file whose name
// ends in ".part". Its directory must be there, and the file must not.
//
// Copying the file itself while it is written to is no backup: most of such copies are corrupt.
//
// It keeps no writer waiting. The write-ahead log cannot be emptied while it runs, and grows by what is
// written meanwhile. Of a Store made by [New] it takes a connection of the host's handle.
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
	switch err := os.Link(part.Name(), path); { // which fails where there is one, and a rename does not
	case errors.Is(err, fs.ErrExist):
		return vacant(path)
	case err != nil: // a file system without links
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

// vacant refuses a path where there is a file, or what belongs to a database that was there: SQLite
// would take it for the copy's.
func vacant(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-journal"} {
		if _, err := os.Lstat(name); err == nil {
			return &store.Error{Code: store.ErrAlreadyExists, Field: "path", Reason: "there is a file already: " + filepath.Base(name)}
		}
	}
	return nil
}

// copyInto copies to a file that is there and empty: on a handle of its own, as readers of ours may write
// to no file, or on the host's.
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

// syncDirectory has the name of a file reach the disk, where a directory can be asked to.
func syncDirectory(path string) {
	if dir, err := os.Open(path); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}
