package state

import "context"

// Migrations are those of this release.
var Migrations = migrations

// OpenWith is Open in a release with other migrations.
func OpenWith(ctx context.Context, where string, steps []string) (*Store, error) {
	return openWith(ctx, where, Options{}, func(s *Store) error { return s.migrate(ctx, steps) })
}

// ReadWith is Open with ReadOnly in a release with other migrations.
func ReadWith(ctx context.Context, where string, steps []string) (*Store, error) {
	return openWith(ctx, where, Options{ReadOnly: true}, func(s *Store) error { return s.inspect(ctx, steps) })
}

func openWith(ctx context.Context, where string, o Options, start func(*Store) error) (*Store, error) {
	s, err := connect(ctx, where, o)
	if err != nil {
		return nil, err
	}
	if err := start(s); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Exec runs a statement as it is.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.write.ExecContext(ctx, statement)
	return err
}
