//! The JSON API: its description is true, and its errors are clear.

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use suite::{Demo, Site, line};

const SHOP_CALLS: [&str; 6] = [
    "get /api/beers",
    "get /api/live",
    "get /api/openapi.json",
    "get /api/orders/socket",
    "get /api/orders/{order_id}",
    "post /api/orders",
];

const STAGE_CALLS: [&str; 29] = [
    "get /api/analysis/rebuild",
    "get /api/deliveries",
    "get /api/fraud",
    "get /api/history",
    "get /api/insights",
    "get /api/ledger",
    "get /api/live",
    "get /api/openapi.json",
    "get /api/orders/{order_id}",
    "get /api/questions",
    "get /api/settings",
    "get /api/stock",
    "get /api/stock/bursts",
    "get /api/stock/explain/{beer}",
    "patch /api/settings",
    "post /api/analysis/rebuild",
    "post /api/dead-letters/{order_id}/redrive",
    "post /api/dead-letters/{order_id}/return",
    "post /api/questions/{question}",
    "post /api/stage/acts/{act}",
    "post /api/stage/address",
    "post /api/stage/again",
    "post /api/stage/back",
    "post /api/stage/burst",
    "post /api/stage/crash",
    "post /api/stage/next",
    "post /api/stage/rehearse/{act}",
    "post /api/stage/reset",
    "post /api/stage/steps/{step}",
];

/// Each path of the descriptions answers as described, and every call here is described.
pub async fn is_described_truly(demo: &Demo) -> Result<()> {
    let order_id = demo.shop.order("Gent", &[line("duvel", 1)]).await?;
    demo.stage.until_status(&order_id, "delivered", std::time::Duration::from_secs(30)).await?;
    answers_as_described(&demo.shop, &SHOP_CALLS, &order_id).await.context("the shop")?;
    answers_as_described(&demo.stage, &STAGE_CALLS, &order_id).await.context("the stage")
}

async fn answers_as_described(site: &Site, calls: &[&str], order_id: &str) -> Result<()> {
    let api = site.get("/api/openapi.json").await?;
    let paths = api["paths"].as_object().context("no paths")?;
    let mut described = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().context("no methods")? {
            described.push(format!("{method} {path}"));
            if method == "get" && path != "/api/live" && path != "/api/orders/socket" {
                let answer = site.get(&path.replace("{order_id}", order_id).replace("{beer}", "orval")).await?;
                let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
                fits(&api, schema, &answer).with_context(|| format!("{path} answers {answer}"))?;
            }
        }
    }
    described.sort();
    ensure!(described == calls, "{described:?}");
    Ok(())
}

/// Whether a value matches its schema: its type, each property and no other.
fn fits(api: &Value, schema: &Value, value: &Value) -> Result<()> {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return fits(api, &api["components"]["schemas"][name], value);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            ensure!(choices.iter().any(|schema| fits(api, schema, value).is_ok()), "{value} is none of {schema}");
            return Ok(());
        }
    }
    if let Some(all) = schema["allOf"].as_array() {
        // Parts of one object: only their types can be checked separately.
        return all
            .iter()
            .try_for_each(|schema| if schema["properties"].is_object() { Ok(()) } else { fits(api, schema, value) });
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    ensure!(types.contains(&kind) || (kind == "integer" && types.contains(&"number")), "{value} is no {types:?}");
    if let Value::Array(items) = value {
        items.iter().try_for_each(|item| fits(api, &schema["items"], item))?;
    }
    if let (Value::Object(fields), Some(properties)) = (value, schema["properties"].as_object()) {
        for (name, field) in fields {
            let schema = properties.get(name).with_context(|| format!("{name} is not described"))?;
            fits(api, schema, field).with_context(|| name.clone())?;
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            ensure!(fields.contains_key(name), "{name} is missing");
        }
    }
    Ok(())
}

/// Each error is a problem in JSON, with its status, and one entry for each wrong field.
pub async fn says_what_is_wrong(demo: &Demo) -> Result<()> {
    let orders = format!("{}/api/orders", demo.shop.address());
    let post = |kind: &'static str, body: String| {
        demo.shop.http().post(&orders).header("content-type", kind).body(body).send()
    };
    let json = "application/json";
    let many: Vec<Value> = (0..13).map(|_| line("orval", 1)).collect();
    let order = |lines: Value| json!({"customer": "Ada", "address": "Gent", "lines": lines}).to_string();
    let named = |customer: &str| {
        json!({"customer": customer, "address": "x".repeat(201), "lines": [line("orval", 1)]}).to_string()
    };
    let cases: [(&str, String, u16, &[&str]); 10] = [
        (json, "{".to_owned(), 400, &[]),
        ("text/plain", order(json!([line("orval", 1)])), 415, &[]),
        (json, " ".repeat(16 * 1024 + 1), 413, &[]),
        (json, order(json!([])), 422, &["lines"]),
        (json, order(json!([line("water", 1)])), 422, &["lines[0].beer"]),
        (json, order(json!([line("orval", 0), line("duvel", 25)])), 422, &["lines[0].bottles", "lines[1].bottles"]),
        (json, order(json!([line("orval", 1), line("orval", 1)])), 422, &["lines[1].beer"]),
        (json, order(Value::Array(many)), 422, &["lines", "lines[1].beer"]),
        (json, named(" "), 422, &["customer", "address"]),
        (json, named("a\u{7}b"), 422, &["customer", "address"]),
    ];
    for (kind, body, status, fields) in cases {
        let shown: String = body.chars().take(100).collect();
        let answer = post(kind, body).await?;
        let problem = problem(answer, status).await.context(shown)?;
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        for field in fields {
            ensure!(errors.iter().any(|error| error["field"] == *field), "{field} is not named: {problem}");
        }
    }
    for (method, path, status) in [
        (Method::GET, "/api/nothing", 404),
        (Method::GET, "/api", 404),
        (Method::DELETE, "/api/orders", 405),
        (Method::POST, "/api/beers", 405),
        (Method::GET, "/api/orders/nobody", 404),
        (Method::GET, "/api/orders/%00", 404),
    ] {
        problem(demo.shop.call(method, path, None).await?, status).await.context(path)?;
    }
    Ok(())
}

async fn problem(answer: reqwest::Response, status: u16) -> Result<Value> {
    ensure!(answer.status() == status, "answered {} instead of {status}", answer.status());
    let kind = answer.headers().get("content-type").context("no content type")?.to_str()?.to_owned();
    ensure!(kind == "application/problem+json", "{kind}");
    let problem: Value = answer.json().await?;
    ensure!(problem["status"] == status, "{problem}");
    Ok(problem)
}

/// A customer's input is shown as it was typed, as text only.
pub async fn nothing_a_customer_types_breaks_a_page(demo: &Demo) -> Result<()> {
    let (shop, stage) = (&demo.shop, &demo.stage);
    let nasty = "<script>alert(1)</script>\"'&{{x}}`";
    let body = json!({"customer": nasty, "address": format!("{nasty} nowhere"), "lines": [line("orval", 1)]});
    let answer: Value = shop.call(Method::POST, "/api/orders", Some(&body)).await?.json().await?;
    let order_id = answer["order_id"].as_str().context("no id")?;
    stage.until_status(order_id, "stranded", std::time::Duration::from_secs(30)).await?;
    let page = format!("/orders/{order_id}");
    let pages: [(&Site, &str); 3] = [(shop, &page), (stage, "/orders"), (stage, "/deliveries")];
    for (site, path) in pages {
        let answer = site.call(Method::GET, path, None).await?;
        let policy = answer.headers().get("content-security-policy").context("no policy")?.to_str()?.to_owned();
        ensure!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let page = answer.text().await?;
        ensure!(!page.contains("<script>alert") && page.contains("&#60;script&#62;alert"), "{path}: {page}");
    }
    let answer = stage.post_as_presenter(&format!("/api/dead-letters/{order_id}/return"), None).await?;
    ensure!(answer.status() == 202, "{}", answer.status());
    Ok(())
}
