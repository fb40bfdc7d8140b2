package apigolden

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// render lists the exported API of p in the manner of the api folder of Go, one
// line per symbol, sorted. Names of parameters are left out: no caller uses them.
func render(p *types.Package) []string {
	r := renderer{pkg: p}
	for _, name := range p.Scope().Names() {
		if !token.IsExported(name) {
			continue
		}
		switch o := p.Scope().Lookup(name).(type) {
		case *types.Const:
			r.line("const %s %s = %s", name, r.typ(o.Type()), o.Val())
		case *types.Var:
			r.line("var %s %s", name, r.typ(o.Type()))
		case *types.Func:
			r.line("func %s%s", name, r.signature(o.Signature()))
		case *types.TypeName:
			r.typeName(o)
		}
	}
	slices.Sort(r.lines)
	return r.lines
}

type renderer struct {
	pkg   *types.Package
	lines []string
}

func (r *renderer) line(format string, args ...any) {
	r.lines = append(r.lines, "pkg "+r.pkg.Name()+", "+fmt.Sprintf(format, args...))
}

func (r *renderer) typeName(o *types.TypeName) {
	name := o.Name()
	if o.IsAlias() {
		r.line("type %s = %s", name, r.typ(types.Unalias(o.Type())))
		return
	}
	if named, ok := o.Type().(*types.Named); ok {
		name += r.typeParams(named.TypeParams())
	}
	switch u := o.Type().Underlying().(type) {
	case *types.Struct:
		r.line("type %s struct", name)
		for f := range u.Fields() {
			switch {
			case f.Embedded() && f.Exported():
				r.line("type %s struct, embedded %s", name, r.typ(f.Type()))
			case f.Exported():
				r.line("type %s struct, %s %s", name, f.Name(), r.typ(f.Type()))
			}
		}
	case *types.Interface:
		r.line("type %s interface", name)
		for m := range u.Methods() {
			if m.Exported() {
				r.line("type %s interface, %s%s", name, m.Name(), r.signature(m.Signature()))
			} else {
				r.line("type %s interface, unexported methods", name)
			}
		}
		return
	default:
		r.line("type %s %s", name, r.typ(u))
	}
	// Promoted methods are part of the API as well, hence the method sets.
	ofValue := types.NewMethodSet(o.Type())
	for m := range types.NewMethodSet(types.NewPointer(o.Type())).Methods() {
		f := m.Obj().(*types.Func)
		if !f.Exported() {
			continue
		}
		receiver := "*" + o.Name()
		if ofValue.Lookup(f.Pkg(), f.Name()) != nil {
			receiver = o.Name()
		}
		r.line("method (%s) %s%s", receiver, f.Name(), r.signature(f.Signature()))
	}
}

func (r *renderer) signature(s *types.Signature) string {
	params := r.tuple(s.Params())
	if s.Variadic() {
		last := &params[len(params)-1]
		*last = "..." + strings.TrimPrefix(*last, "[]")
	}
	out := r.typeParams(s.TypeParams()) + "(" + strings.Join(params, ", ") + ")"
	switch results := r.tuple(s.Results()); len(results) {
	case 0:
		return out
	case 1:
		return out + " " + results[0]
	default:
		return out + " (" + strings.Join(results, ", ") + ")"
	}
}

func (r *renderer) tuple(t *types.Tuple) []string {
	var out []string
	for v := range t.Variables() {
		out = append(out, r.typ(v.Type()))
	}
	return out
}

func (r *renderer) typeParams(list *types.TypeParamList) string {
	if list.Len() == 0 {
		return ""
	}
	var out []string
	for p := range list.TypeParams() {
		out = append(out, p.Obj().Name()+" "+r.typ(p.Constraint()))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// typ writes names of other packages as a reader of this one's source does.
func (r *renderer) typ(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == r.pkg {
			return ""
		}
		return p.Name()
	})
}
