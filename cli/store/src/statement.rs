//! A statement with its values, and the fields of a row: what the store and a backend tell each other.
//!
//! The SQL is what SQLite and PostgreSQL both take, with `$1`, `$2`... for the values. What only one of them has is behind [`crate::backend`].

use std::path::Path;

use crate::error::StoreError;

/// What kind of value is absent: PostgreSQL wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int,
    Real,
    Text,
    Bytes,
}

/// A value of a statement or a row. No `Debug`: most of them are about somebody.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Null(Type),
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

macro_rules! value_from {
    ($($from:ty, $kind:ident, |$v:ident| $value:expr;)+) => {
        $(
            impl From<$from> for Value {
                fn from($v: $from) -> Value {
                    Value::$kind($value)
                }
            }

            impl From<Option<$from>> for Value {
                fn from(value: Option<$from>) -> Value {
                    value.map_or(Value::Null(Type::$kind), Value::from)
                }
            }
        )+
    };
}

value_from! {
    bool, Bool, |v| v;
    i64, Int, |v| v;
    f64, Real, |v| v;
    &str, Text, |v| v.to_owned();
    String, Text, |v| v;
    &String, Text, |v| v.clone();
    &[u8], Bytes, |v| v.to_owned();
    Vec<u8>, Bytes, |v| v;
    &Vec<u8>, Bytes, |v| v.clone();
}

/// SQL and its values, built up piece by piece or bound to SQL that is whole.
pub(crate) struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<String>) -> Statement {
        Statement { sql: sql.into(), values: Vec::new() }
    }

    /// The next value: the first that is bound is `$1`.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Statement {
        self.values.push(value.into());
        self
    }

    /// More SQL.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Statement {
        self.sql.push_str(sql);
        self
    }

    /// A value where the SQL ends now.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Statement {
        self.values.push(value.into());
        self.sql.push_str(&format!("${}", self.values.len()));
        self
    }

    /// Values with commas between them, in brackets.
    pub(crate) fn push_list<V: Into<Value>>(&mut self, values: impl Iterator<Item = V>) -> &mut Statement {
        self.push("(");
        for (i, value) in values.enumerate() {
            self.push(if i > 0 { ", " } else { "" }).push_bind(value);
        }
        self.push(")")
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }
}

/// The fields of a row, in the order of the statement's columns.
pub(crate) struct Fields(pub(crate) Vec<Value>);

/// What a field can be read as.
pub(crate) trait Read<'r>: Sized {
    fn read(value: &'r Value) -> Option<Self>;
}

macro_rules! read_as {
    ($($to:ty: $($kind:ident($v:ident) => $value:expr),+;)+) => {
        $(impl<'r> Read<'r> for $to {
            fn read(value: &'r Value) -> Option<Self> {
                match value {
                    $(Value::$kind($v) => $value,)+
                    _ => None,
                }
            }
        })+
    };
}

read_as! {
    // SQLite keeps truth as a number.
    bool: Bool(v) => Some(*v), Int(v) => Some(*v != 0);
    i64: Int(v) => Some(*v);
    f64: Real(v) => Some(*v), Int(v) => Some(*v as f64);
    &'r str: Text(v) => Some(v);
    String: Text(v) => Some(v.clone());
    &'r [u8]: Bytes(v) => Some(v);
    Vec<u8>: Bytes(v) => Some(v.clone());
}

impl<'r, T: Read<'r>> Read<'r> for Option<T> {
    fn read(value: &'r Value) -> Option<Self> {
        match value {
            Value::Null(_) => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

fn odd(path: &Path) -> StoreError {
    StoreError::corrupt(path, "a row has values of the wrong kind")
}

/// The field in a column; `path` is the database, for the error.
pub(crate) fn get<'r, T: Read<'r>>(path: &Path, row: &'r Fields, column: usize) -> Result<T, StoreError> {
    row.0.get(column).and_then(T::read).ok_or_else(|| odd(path))
}

/// The bytes in a column, which may be many, without a copy of them.
pub(crate) fn take_bytes(path: &Path, mut row: Fields, column: usize) -> Result<Vec<u8>, StoreError> {
    match row.0.get_mut(column) {
        Some(Value::Bytes(bytes)) => Ok(std::mem::take(bytes)),
        _ => Err(odd(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_as_they_come_and_read_as_what_they_are() {
        let mut s = Statement::new("SELECT x FROM t WHERE a = $1").bind(7);
        s.push(" AND b IN ").push_list(["x", "y"].into_iter()).push(" AND c = ").push_bind(None::<f64>);
        assert_eq!(s.sql(), "SELECT x FROM t WHERE a = $1 AND b IN ($2, $3) AND c = $4");
        assert!(s.values() == [Value::Int(7), "x".into(), "y".into(), Value::Null(Type::Real)]);

        let path = Path::new("d");
        let row = Fields(vec![Value::Int(1), Value::Real(0.5), "t".into(), vec![1u8].into(), Value::Null(Type::Text)]);
        assert!(get::<bool>(path, &row, 0).unwrap() && get::<i64>(path, &row, 0).unwrap() == 1);
        assert_eq!((get::<f64>(path, &row, 0).unwrap(), get::<f64>(path, &row, 1).unwrap()), (1.0, 0.5));
        assert_eq!((get::<&str>(path, &row, 2).unwrap(), get::<&[u8]>(path, &row, 3).unwrap()), ("t", &[1u8][..]));
        assert_eq!(get::<Option<i64>>(path, &row, 4).unwrap(), None);
        for wrong in [get::<i64>(path, &row, 4).err(), get::<i64>(path, &row, 9).err(), get::<i64>(path, &row, 2).err()]
        {
            assert!(matches!(wrong, Some(StoreError::Corrupt { .. })), "{wrong:?}");
        }
        assert_eq!(take_bytes(path, row, 3).unwrap(), [1]);
    }
}
