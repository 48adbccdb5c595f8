//! From columns to values and back. A value that a column cannot or must not hold is an error that names table, column and
//! value. Nothing is replaced by a default.

use std::{any::type_name, error::Error, fmt::Display, str::FromStr};

use events::ids::Moment;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Decode, Row as _, Sqlite, Type, ValueRef as _, sqlite::SqliteRow};

use crate::database::StoreError;

/// Longest part of a wrong value that an error quotes, in characters.
const QUOTED_MAX: usize = 100;

type Cause = Box<dyn Error + Send + Sync>;

/// A row of one table, read column by column.
#[derive(Clone, Copy)]
pub struct Columns<'r> {
    table: &'static str,
    row: &'r SqliteRow,
}

impl<'r> Columns<'r> {
    /// The columns of this row, which is from this table.
    pub const fn of(table: &'static str, row: &'r SqliteRow) -> Self {
        Columns { table, row }
    }

    pub fn text(self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    pub fn bytes(self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.get(column)
    }

    /// A whole number of this type.
    ///
    /// # Errors
    /// If the column holds something else, or a number beyond this type.
    pub fn number<T: TryFrom<i64>>(self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.get(column)?).map_err(|_| self.wrong(column, type_name::<T>(), None))
    }

    /// Yes or no, stored as 1 or 0.
    pub fn flag(self, column: &'static str) -> Result<bool, StoreError> {
        match self.get(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.wrong(column, "0 or 1", None)),
        }
    }

    /// A moment, stored in microseconds since 1970.
    ///
    /// # Errors
    /// If the column holds something else, or a number that is not a moment.
    pub fn moment(self, column: &'static str) -> Result<Moment, StoreError> {
        let micros = self.get(column)?;
        let moment = Moment::from_micros(micros);
        if moment.micros() == micros { Ok(moment) } else { Err(self.wrong(column, "a moment", None)) }
    }

    /// A value parsed from text.
    ///
    /// # Errors
    /// If the column holds something else, or text that cannot be parsed.
    pub fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error: T::Err| self.wrong(column, type_name::<T>(), Some(error.into())))
    }

    /// The value that `look_up` finds for a text.
    ///
    /// # Errors
    /// If the column holds something else, or `look_up` finds nothing.
    pub fn found<T>(
        self,
        column: &'static str,
        expected: &'static str,
        look_up: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        look_up(&self.text(column)?).ok_or_else(|| self.wrong(column, expected, None))
    }

    /// A value stored as JSON.
    ///
    /// # Errors
    /// If the column holds something else, or other JSON.
    pub fn json<T: DeserializeOwned>(self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| self.wrong(column, "JSON", Some(error.into())))
    }

    /// A column that may be null, read with `read`.
    pub fn optional<T>(
        self,
        column: &'static str,
        read: impl FnOnce(Self, &'static str) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if self.row.try_get_raw(column)?.is_null() { Ok(None) } else { read(self, column).map(Some) }
    }

    fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(self, column: &'static str) -> Result<T, StoreError> {
        // SQLite would decode null as 0 or an empty text.
        if self.row.try_get_raw(column)?.is_null() {
            return Err(self.wrong(column, type_name::<T>(), None));
        }
        self.row.try_get(column).map_err(|error| match error {
            sqlx::Error::ColumnDecode { source, .. } => self.wrong(column, type_name::<T>(), Some(source)),
            other => other.into(),
        })
    }

    fn wrong(self, column: &'static str, expected: &'static str, cause: Option<Cause>) -> StoreError {
        let held = match self.row.try_get_raw(column) {
            Ok(value) if value.is_null() => "null".to_owned(),
            // SQLite can convert any value to text.
            _ => self.row.try_get_unchecked(column).unwrap_or_else(|_| "bytes".to_owned()),
        };
        let value = held.chars().take(QUOTED_MAX).collect();
        StoreError::Column { table: self.table, column, value, expected, cause }
    }
}

/// A number as stored in a column.
///
/// # Errors
/// If it is beyond what a column can hold.
pub fn column_of<N: TryInto<i64> + Copy + Display>(
    table: &'static str,
    column: &'static str,
    number: N,
) -> Result<i64, StoreError> {
    number.try_into().map_err(|_| StoreError::Column {
        table,
        column,
        value: number.to_string(),
        expected: type_name::<i64>(),
        cause: None,
    })
}

/// A value as stored in a column as JSON.
pub fn json_of<T: Serialize>(table: &'static str, column: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| {
        let value = type_name::<T>().to_owned();
        StoreError::Column { table, column, value, expected: "JSON", cause: Some(error.into()) }
    })
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, SqliteConnection};

    use super::*;

    #[tokio::test]
    async fn null_is_refused_whatever_is_expected_and_is_none_only_where_it_may_be() {
        let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let row = sqlx::query("select null as level").fetch_one(&mut database).await.unwrap();
        let row = Columns::of("shelf", &row);
        let refused = [
            row.text("level").err(),
            row.bytes("level").err(),
            row.number::<u32>("level").err(),
            row.number::<i64>("level").err(),
            row.flag("level").err(),
            row.moment("level").err(),
            row.parsed::<String>("level").err(),
            row.found("level", "a level", |_| Some(())).err(),
            row.json::<Option<u32>>("level").err(),
        ];
        for (index, error) in refused.into_iter().enumerate() {
            let said = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(said.starts_with("shelf.level is \"null\"; expected"), "{index}: {said}");
        }
        assert_eq!(row.optional("level", Columns::text).unwrap(), None);
    }

    #[tokio::test]
    async fn what_a_text_should_be_and_why_it_is_not_are_both_told() {
        let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let row = sqlx::query("select '{' as lines").fetch_one(&mut database).await.unwrap();
        let refused = Columns::of("given_out", &row).json::<Vec<u32>>("lines").unwrap_err();
        assert_eq!(refused.to_string(), r#"given_out.lines is "{"; expected JSON"#);
        assert!(refused.source().is_some_and(|cause| cause.is::<serde_json::Error>()));
    }
}
