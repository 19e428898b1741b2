package access

const (
	maxProfiles = 1_000  // profiles kept for others to share
	maxShared   = 10_000 // names of these profiles
)

// sharedKey is a name and the scope to which it belongs; the zero scope means that the name is the same
// everywhere.
type sharedKey struct {
	scope [16]byte
	name  string
}

// sharedProfile is the profile of a name. It is dead once the scope has a later epoch.
type sharedProfile[P any] struct {
	epoch   uint32
	profile *P
}

// Base returns what profiles are compiled from, or nil if nobody has set it since everything was last dropped.
func (c *Cache[P, B]) Base() *B { return c.all.Load().base.Load() }

// Base returns what profiles are compiled from, or nil if nobody has set it. The base lasts until somebody
// publishes the zero [Key]. A load that began before that goes on with the old base, and Keep does not keep it.
func (l Load[P, B]) Base() *B { return l.generation.base.Load() }

// SetBase sets the base and returns it, or returns the one that was set before.
func (l Load[P, B]) SetBase(b *B) *B {
	if l.generation.base.CompareAndSwap(nil, b) {
		return b
	}
	return l.generation.base.Load()
}

// MayShare reports whether the load may use what other loads left with [Load.SetBase] and
// [Load.Share], and leave something itself. It may not under a mark, where a snapshot may
// be from before or after the change, nor once a key without a subject has overtaken it.
func (l Load[P, B]) MayShare() bool {
	// In this order: settling publishes before it removes the mark.
	return !l.cache.marked(l.key) && !l.overtaken()
}

// Shared returns the profile that other loads have shared under a name, or nil. With inScope the name belongs to the
// scope and lasts until somebody publishes that scope. Otherwise it is the same in every scope and lasts as long as
// the base.
func (l Load[P, B]) Shared(name string, inScope bool) *P {
	key, epoch := l.sharedKey(name, inScope)
	g := l.generation
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, ok := g.shared[key]; ok && s.epoch == epoch {
		return s.profile
	}
	return nil
}

// Share makes a profile known under a name, as [Load.Shared] describes, and returns the
// profile to use: p, or one that was shared before with equal content. At most 1,000
// contents and 10,000 names are known; beyond that Share makes no more contents equal, and
// forgets the names.
func (l Load[P, B]) Share(name string, inScope bool, content string, p *P) *P {
	key, epoch := l.sharedKey(name, inScope)
	g := l.generation
	g.mu.Lock()
	defer g.mu.Unlock()
	if same := g.profiles[content]; same != nil {
		p = same
	} else if len(g.profiles) < maxProfiles {
		g.profiles[content] = p
	}
	if len(g.shared) >= maxShared {
		clear(g.shared)
	}
	g.shared[key] = sharedProfile[P]{epoch, p}
	return p
}

func (l Load[P, B]) sharedKey(name string, inScope bool) (sharedKey, uint32) {
	if inScope {
		return sharedKey{l.key.Scope, name}, l.epoch
	}
	return sharedKey{name: name}, 0
}
