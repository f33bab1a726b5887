//! What a statement says of single columns, so that rows that cannot be in its result are passed over before SQLite sees
//! them. It looks at all others itself: whatever is in doubt here is kept.

use std::cmp::Ordering;
use std::ffi::c_int;

use rusqlite::types::ValueRef;
use rusqlite::vtab::{IndexConstraintOp, IndexInfo};

use crate::data::{Column, Kind, Value};

/// The largest whole number up to which a double says each exactly.
const EXACT: u64 = 1 << 53;

/// A condition on a column.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) column: usize,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    /// Text that begins so, to which the case of ASCII letters makes no difference.
    Beginning(Vec<u8>),
    /// Text that is before, at or after this one, as the bytes are; as if all letters of ASCII were small or not.
    Text {
        fits: Order,
        text: Vec<u8>,
        caseless: bool,
    },
    Number(Order, Number),
}

/// How what a column holds may compare with a value.
type Order = fn(Ordering) -> bool;

#[derive(Clone, Copy, Debug)]
enum Number {
    Whole(i64),
    Real(f64),
}

impl Number {
    /// `None` where it takes more care than here.
    fn compare(self, other: Number) -> Option<Ordering> {
        let real = |number| match number {
            Number::Whole(whole) => (whole.unsigned_abs() <= EXACT).then_some(whole as f64),
            Number::Real(real) => Some(real),
        };
        match (self, other) {
            (Number::Whole(one), Number::Whole(other)) => Some(one.cmp(&other)),
            (one, other) => real(one)?.partial_cmp(&real(other)?),
        }
    }
}

impl Filter {
    /// The conditions of a plan that are on a column and a value that is known, and whether these are all it has. SQLite
    /// is told of their use, so that it knows that one of an outer join hangs on other tables.
    pub(super) fn all(info: &mut IndexInfo, columns: &[Column]) -> (Vec<Filter>, bool) {
        let count = info.constraints().count();
        let mut filters = Vec::new();
        for index in 0..count {
            if let Some(filter) = Filter::of(info, index, columns) {
                filters.push(filter);
                info.constraint_usage(index).set_argv_index(filters.len() as c_int);
            }
        }
        let are_all = filters.len() == count;
        (filters, are_all)
    }

    fn of(info: &IndexInfo, index: usize, columns: &[Column]) -> Option<Filter> {
        let constraint = info.constraints().nth(index)?;
        let column = usize::try_from(constraint.column()).ok()?;
        let kind = columns.get(column)?.kind;
        if !constraint.is_usable() || info.is_in_constraint(index).ok()? {
            return None;
        }
        let value = info.rhs_value(index).ok()??;
        let wanted = Wanted::new(kind, constraint.operator(), value, info.collation(index).ok()?)?;
        Some(Filter { column, wanted })
    }

    /// Whether a row with this value may be in the result.
    pub(super) fn may_pass(&self, value: &Value<'_>) -> bool {
        match (&self.wanted, value) {
            // Nothing compares with null, and nothing is like it.
            (_, Value::Null) => false,
            (Wanted::Beginning(wanted), Value::Text(text)) => {
                text.as_bytes().get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted))
            }
            (Wanted::Text { fits, text: wanted, caseless }, Value::Text(text)) => {
                compare(text.as_bytes(), wanted, *caseless).is_none_or(fits)
            }
            (Wanted::Number(fits, wanted), value) => {
                number(value).and_then(|number| number.compare(*wanted)).is_none_or(fits)
            }
            _ => true,
        }
    }
}

fn number(value: &Value<'_>) -> Option<Number> {
    match value {
        Value::Integer(whole) => Some(Number::Whole(*whole)),
        Value::Real(real) => Some(Number::Real(*real)),
        _ => None,
    }
}

/// How two texts compare; `None` where it takes more care than here.
fn compare(one: &[u8], other: &[u8], caseless: bool) -> Option<Ordering> {
    if !caseless {
        return Some(one.cmp(other));
    }
    // SQLite stops at zeros then.
    let small = u8::to_ascii_lowercase;
    (!one.contains(&0)).then(|| one.iter().map(small).cmp(other.iter().map(small)))
}

impl Wanted {
    fn new(kind: Kind, op: IndexConstraintOp, value: ValueRef<'_>, collation: &str) -> Option<Wanted> {
        match (kind, value) {
            (Kind::Text, ValueRef::Text(pattern))
                if op == IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LIKE =>
            {
                let is_plain = |byte: &u8| byte.is_ascii() && !matches!(byte, b'%' | b'_' | 0);
                Some(Wanted::Beginning(pattern.iter().copied().take_while(is_plain).collect()))
            }
            (Kind::Text, ValueRef::Text(text)) if matches!(collation, "BINARY" | "NOCASE") => {
                let caseless = collation == "NOCASE";
                let is_plain = !caseless || !text.contains(&0);
                is_plain.then_some(Wanted::Text { fits: order(op)?, text: text.to_vec(), caseless })
            }
            (Kind::Integer | Kind::Real, ValueRef::Integer(whole)) => {
                Some(Wanted::Number(order(op)?, Number::Whole(whole)))
            }
            (Kind::Integer | Kind::Real, ValueRef::Real(real)) => {
                Some(Wanted::Number(order(op)?, Number::Real(real)))
            }
            _ => None,
        }
    }
}

fn order(op: IndexConstraintOp) -> Option<Order> {
    use IndexConstraintOp as Op;
    Some(match op {
        Op::SQLITE_INDEX_CONSTRAINT_EQ => Ordering::is_eq,
        Op::SQLITE_INDEX_CONSTRAINT_LT => Ordering::is_lt,
        Op::SQLITE_INDEX_CONSTRAINT_LE => Ordering::is_le,
        Op::SQLITE_INDEX_CONSTRAINT_GT => Ordering::is_gt,
        Op::SQLITE_INDEX_CONSTRAINT_GE => Ordering::is_ge,
        _ => return None,
    })
}
