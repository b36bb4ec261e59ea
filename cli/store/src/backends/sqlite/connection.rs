//! A SQLite connection as the store speaks to one, and what SQLite says as what it means.

use std::path::Path;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Decode, Executor, Row, Sqlite, TypeInfo, ValueRef};

use super::words;
use crate::backend::Connection;
use crate::error::StoreError;
use crate::statement::{Fields, Statement, Type, Value};
use crate::words::Index;

/// A connection that is lent, and the database's path for its errors.
pub(super) struct Lent<'c>(pub(super) &'c mut SqliteConnection, pub(super) &'c Path);

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments<'q>>;

fn query(statement: &Statement) -> Query<'_> {
    statement.values().iter().fold(sqlx::query(statement.sql()), |query, value| match value {
        Value::Null(Type::Bool) => query.bind(None::<bool>),
        Value::Null(Type::Int) => query.bind(None::<i64>),
        Value::Null(Type::Real) => query.bind(None::<f64>),
        Value::Null(Type::Text) => query.bind(None::<&str>),
        Value::Null(Type::Bytes) => query.bind(None::<&[u8]>),
        Value::Bool(v) => query.bind(*v),
        Value::Int(v) => query.bind(*v),
        Value::Real(v) => query.bind(*v),
        Value::Text(v) => query.bind(v.as_str()),
        Value::Bytes(v) => query.bind(v.as_slice()),
    })
}

fn field(row: &SqliteRow, column: usize) -> Result<Value, sqlx::Error> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(Value::Null(Type::Text));
    }
    let kind = value.type_info().name().to_owned();
    let read = match kind.as_str() {
        "REAL" => <f64 as Decode<Sqlite>>::decode(value).map(Value::Real),
        "TEXT" => <String as Decode<Sqlite>>::decode(value).map(Value::Text),
        "BLOB" => <Vec<u8> as Decode<Sqlite>>::decode(value).map(Value::Bytes),
        _ => <i64 as Decode<Sqlite>>::decode(value).map(Value::Int),
    };
    read.map_err(sqlx::Error::Decode)
}

impl Lent<'_> {
    pub(super) fn execute(&mut self, sql: &str) -> Result<(), StoreError> {
        pollster::block_on(self.0.execute(sql)).map(|_| ()).map_err(|e| from_sqlx(self.1, &e))
    }
}

impl Connection for Lent<'_> {
    fn rows(&mut self, statement: &Statement) -> Result<Vec<Fields>, StoreError> {
        let failed = |e| from_sqlx(self.1, &e);
        let found = pollster::block_on(query(statement).fetch_all(&mut *self.0)).map_err(failed)?;
        let read = |row: SqliteRow| (0..row.len()).map(|i| field(&row, i)).collect::<Result<_, _>>().map(Fields);
        found.into_iter().map(read).collect::<Result<_, _>>().map_err(failed)
    }

    fn change(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        let done = pollster::block_on(query(statement).execute(&mut *self.0));
        done.map(|d| d.rows_affected()).map_err(|e| from_sqlx(self.1, &e))
    }

    fn index_words(&mut self, index: Index, contact_no: i64, said: [String; 3]) -> Result<(), StoreError> {
        self.change(&words::insert(index, contact_no, said)).map(|_| ())
    }

    fn forget_words(&mut self, index: Index, contact_no: i64) -> Result<(), StoreError> {
        self.change(&words::delete(index, contact_no)).map(|_| ())
    }
}

/// What SQLite says, as what it means. Result codes: <https://www.sqlite.org/rescode.html>.
pub(super) fn from_sqlx(path: &Path, error: &sqlx::Error) -> StoreError {
    const SHM_SIZE: i32 = 10 | 19 << 8;
    const SHORT_READ: i32 = 10 | 2 << 8;
    let owned = path.to_owned();
    match error {
        sqlx::Error::Database(e) => {
            let code: i32 = e.code().and_then(|c| c.parse().ok()).unwrap_or(0);
            match code {
                // The log's index could not be given room.
                SHM_SIZE => return StoreError::Full { path: owned },
                SHORT_READ => return StoreError::corrupt(path, "it ends too early"),
                _ => {}
            }
            let io = |action, text: &str| StoreError::Io {
                path: path.to_owned(),
                action,
                source: std::io::Error::other(text.to_owned()),
            };
            match code & 0xff {
                5 | 6 => StoreError::Busy { path: owned },
                13 => StoreError::Full { path: owned },
                11 | 26 => StoreError::corrupt(path, e.message()),
                8 => io("write", "it is read-only"),
                10 => io("read or write", e.message()),
                14 => io("open", e.message()),
                // "no such table" and the like.
                1 => StoreError::not_a_domain(path, e.message()),
                _ => StoreError::Internal { reason: format!("{}: {} (code {code})", path.display(), e.message()) },
            }
        }
        sqlx::Error::Io(e) => StoreError::io(path, "open", std::io::Error::new(e.kind(), e.to_string())),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
            StoreError::corrupt(path, "a row has values of the wrong kind")
        }
        other => StoreError::Internal { reason: format!("{}: {other}", path.display()) },
    }
}
