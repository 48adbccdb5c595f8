//! The watcher of the broker, on fake brokers: what it calls ready, what it ends, and what it refuses to start.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use suite::until;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::Command,
};

/// The longest time for a watcher, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("watched {name} {:08x}", rand::random::<u32>()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Reports that it is ready; `of_use` decides whether its topics work. Returns its address.
async fn broker(of_use: bool) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, of_use));
        }
    });
    Ok(address)
}

async fn answer(mut connection: TcpStream, of_use: bool) -> Result<()> {
    let mut asked = vec![0; 4096];
    let length = connection.read(&mut asked).await?;
    let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
    let (status, body) = match asked {
        path if path.contains("/brokers/ready") => ("200 OK", "ok"),
        _ if !of_use => ("500 Server Error", "Not enough non-faulty bookies available"),
        path if path.contains("/examinemessage") => ("200 OK", "proof"),
        _ => ("200 OK", ""),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    connection.write_all(format!("{head}{body}").as_bytes()).await?;
    Ok(())
}

fn watching(address: &str, ready_file: &Path) -> Command {
    let mut watcher = Command::new(script("watch-broker"));
    watcher.args([address, "sleep", "600"]).env("READY_FILE", ready_file).env("OF_USE_WITHIN_S", "2");
    watcher.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    watcher
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_broker_whose_topics_are_of_no_use_is_never_ready_and_is_ended() -> Result<()> {
    let ready_file = folder("useless").join("ready");
    let watcher = watching(&broker(false).await?, &ready_file).spawn()?;
    let ended = tokio::time::timeout(LIMIT, watcher.wait_with_output()).await.context("it watches on")??;
    ensure!(ended.status.code() == Some(137), "{ended:?}");
    ensure!(said(&ended).contains("no topic works"), "{}", said(&ended));
    ensure!(!ready_file.exists(), "it was called ready");
    Ok(())
}

#[tokio::test]
async fn a_broker_whose_topics_are_of_use_is_ready_until_it_ends() -> Result<()> {
    let ready_file = folder("useful").join("ready");
    std::fs::write(&ready_file, "of the one before")?;
    let watcher = watching(&broker(true).await?, &ready_file).spawn()?;
    until("the broker to be ready", LIMIT, || async {
        ensure!(std::fs::read(&ready_file)?.is_empty(), "of the one before");
        Ok(())
    })
    .await?;
    let process = watcher.id().context("it ended")?.to_string();
    ensure!(Command::new("kill").arg(&process).status().await?.success(), "it cannot be told to end");
    let ended = tokio::time::timeout(LIMIT, watcher.wait_with_output()).await.context("it does not end")??;
    ensure!(!said(&ended).contains("killing"), "{}", said(&ended));
    Ok(())
}

/// Starts Pulsar on data of another one. There is no Pulsar: the script must not get that far.
async fn refused(data: &Path) -> Result<String> {
    let mut standalone = Command::new(script("standalone"));
    let started = standalone.arg("/no/pulsar").arg(data).args(["3181", "2181"]).output().await?;
    ensure!(started.status.code() == Some(1), "{started:?}");
    let said = said(&started);
    ensure!(said.lines().count() == 1, "{said}");
    Ok(said)
}

#[tokio::test]
async fn data_that_cannot_be_read_is_refused_in_a_sentence_that_says_what_to_do() -> Result<()> {
    let earlier = folder("earlier");
    std::fs::create_dir(earlier.join("metadata"))?;
    let said = refused(&earlier).await?;
    ensure!(said.contains("earlier version") && said.contains("remove that folder"), "{said}");
    let moved = folder("moved");
    std::fs::create_dir_all(moved.join("bookkeeper/current"))?;
    std::fs::write(moved.join("bookkeeper/current/VERSION"), "5\nbookieHost: \"127.0.0.1:4181\"\n")?;
    let said = refused(&moved).await?;
    ensure!(said.contains("PULSAR_BOOKIE_PORT=4181"), "{said}");
    Ok(())
}
