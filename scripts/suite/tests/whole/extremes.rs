//! A message with one of its values replaced by an extreme one.

use serde_json::{Map, Value, json};

/// Copies of the message, each with one value replaced by one of its extremes.
pub fn with_one_value_replaced(value: &Value) -> Vec<Value> {
    let mut all = extremes(value);
    match value {
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                all.extend(with_one_value_replaced(entry).into_iter().map(|other| {
                    let mut entries = entries.clone();
                    entries[index] = other;
                    Value::Array(entries)
                }));
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                all.extend(with_one_value_replaced(field).into_iter().map(|other| {
                    let mut fields: Map<String, Value> = fields.clone();
                    fields.insert(name.clone(), other);
                    Value::Object(fields)
                }));
            }
        }
        _ => {}
    }
    all
}

fn extremes(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => vec![
            json!(0),
            json!(-1),
            json!(4_000_000_000_u32),
            json!(u32::MAX),
            json!((1_u64 << 53) - 1),
            json!(u64::MAX),
            json!(0.5),
        ],
        Value::String(_) => vec![
            json!(""),
            json!("é".repeat(500)),
            json!("A".repeat(15_000)),
            json!("\u{0}\u{202e}<script>"),
            json!("9999-12-31T23:59:59-23:59"),
            json!("9999-12-31T23:59:59.999999Z"),
            json!("2099-01-01T00:00:00Z"),
            json!("1970-01-01T00:00:00Z"),
            json!("0999-01-01T00:00:00Z"),
        ],
        Value::Array(entries) => {
            let many = |count| Value::Array(entries.iter().cycle().take(count).cloned().collect());
            vec![json!([]), many(entries.len() * 2), many(100), many(500)]
        }
        Value::Bool(flag) => vec![json!(!flag)],
        Value::Object(_) | Value::Null => vec![Value::Null],
    }
}
