//! A service as a process: from the environment to an exit code.

use std::{
    fs::{self, File},
    future::Future,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use bus::{Bus, Place};
use events::{ids::Service, settings::StageSettings};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::{
    arguments::{Arg, Program, nothing_more},
    connections,
    context::{Context, Serving},
    environment, health,
    presence::announce,
    stage::{self, Stage},
};

/// Threads that run a service's tasks. One: what a service does is mostly waiting for its broker and its database, and a
/// second thread costs more in waking each other than it gains (measured at 500 orders/s).
const THREADS: usize = 1;
/// How long a service may take to put down what it has in hand.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// What a service can do beside its work, while another process of it runs.
pub struct Command {
    /// The argument that asks for it.
    pub name: &'static str,
    /// What it does, for `--help`.
    pub help: &'static str,
    /// Does it, in the running episode. The context has no seal, so that the database is taken as it is: it belongs to the
    /// process that runs.
    pub run: fn(Context) -> Serving,
}

/// Connections to the health endpoints, all of them from this machine.
const ASKING: connections::Limits = connections::Limits { connections: 50, of_an_address: 50 };

/// Runs a service until it is told to stop: the whole of its `main`.
///
/// With the argument `healthcheck` it asks the running one instead, and exits with 0 if that one lives.
/// `serve` gets a context in the running episode; it is not called before the broker says which that is.
pub fn run(service: Service, serve: fn(Context) -> Serving) -> ExitCode {
    run_with(service, serve, &[])
}

/// As [`run`], for a service that has commands of its own.
pub fn run_with(service: Service, serve: fn(Context) -> Serving, commands: &[Command]) -> ExitCode {
    let program = Program { name: service.name(), help: help(service, commands) };
    let asked = program.read(|parser| match parser.next()? {
        None => Ok(Asked::Live),
        Some(Arg::Value(name)) if name == "healthcheck" => nothing_more(parser, Asked::Healthcheck),
        Some(Arg::Value(name)) => match commands.iter().find(|command| name == command.name) {
            Some(command) => nothing_more(parser, Asked::Command(command)),
            None => Err(Arg::Value(name).unexpected()),
        },
        Some(other) => Err(other.unexpected()),
    });
    match asked {
        Ok(Asked::Live) => to_the_end(live(service, serve)),
        Ok(Asked::Healthcheck) => to_the_end(healthcheck(service)),
        Ok(Asked::Command(command)) => to_the_end(beside(service, command)),
        Err(code) => code,
    }
}

enum Asked<'a> {
    Live,
    Healthcheck,
    Command(&'a Command),
}

fn help(service: Service, commands: &[Command]) -> String {
    let mut help = format!(
        "{service}, a service of My Belgian beers online. It runs until SIGTERM or Ctrl-C.\n\n\
         Usage: {service} [COMMAND]\n\n  \
         healthcheck  asks the process that runs with these settings; exits with 0 if it is live\n"
    );
    for Command { name, help: does, .. } in commands {
        help += &format!("  {name:<11}  {does}\n");
    }
    help + "\nSettings come from the environment and from the file .env; .env.example lists them.\n"
}

async fn beside(service: Service, command: &Command) -> anyhow::Result<()> {
    let place = Place { tenant: environment::tenant(), episode: 1 };
    let bus = Bus::new(environment::broker()?, place);
    let settings = stage::current(&bus).await?.context("the broker has no settings yet")?;
    let stage = Stage::set(StageSettings { seal: String::new(), ..settings });
    (command.run)(Context::new(service, bus, stage, &environment::data_dir(), stop_on_signals()?)).await
}

fn to_the_end(work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let dot_env = environment::read_dot_env();
    start_logs();
    if let Err(error) = dot_env {
        return failed(&error.into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let ended = runtime.block_on(work);
    // Blocking threads (the database) may be in the middle of something; they have a moment, not for ever.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    error!("{error:#}");
    ExitCode::FAILURE
}

fn start_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    // Fails only if there are logs already, as in a test.
    drop(logs.try_init());
}

async fn live(service: Service, serve: fn(Context) -> Serving) -> anyhow::Result<()> {
    let shutdown = stop_on_signals()?;
    let data_dir = environment::data_dir();
    let Some(_lock) = lock(service, &data_dir, &shutdown).await? else { return Ok(()) };
    let place = Place { tenant: environment::tenant(), episode: 1 };
    let bus = Bus::new(environment::broker()?, place);
    let context = Context::new(service, bus, Stage::default(), &data_dir, shutdown);
    // The website serves these among its pages, and opens without a broker.
    if service == Service::Website {
        return serve(context).await;
    }
    let listener = health::listen(environment::health_port()?).await?;
    note_port(service, &data_dir, listener.local_addr()?.port())?;
    let routes = health::routes(context.health.clone(), context.metrics.clone());
    tokio::spawn(connections::serve(ASKING, listener, routes, CancellationToken::new()));
    let Some(settings) = stage::wait(&context.bus, &context.shutdown).await else { return Ok(()) };
    context.stage.change(settings);
    let around = [stage::listen(context.clone()), announce(context.clone())].map(tokio::spawn);
    let ended = in_episodes(&context, serve).await;
    around.iter().for_each(JoinHandle::abort);
    ended
}

/// One episode after another, until told to stop.
async fn in_episodes(context: &Context, serve: fn(Context) -> Serving) -> anyhow::Result<()> {
    while !context.shutdown.is_cancelled() {
        let episode = context.in_episode(&context.stage.settings());
        let number = episode.bus.place().episode;
        info!(episode = number, "{} runs", context.service);
        context.board.runs_in(Some(number));
        let mut serving = serve(episode.clone());
        tokio::select! {
            ended = &mut serving => return ended,
            next = episode.episode_over() => info!(episode = next.episode, "another episode has begun"),
            () = context.shutdown.cancelled() => {}
        }
        episode.shutdown.cancel();
        if tokio::time::timeout(DRAIN_WITHIN, serving).await.map_or(Ok(false), |ended| ended.map(|()| true))? {
            info!(episode = number, "everything is put down");
        } else {
            warn!("not everything was put down in time; what was not comes again");
        }
        context.board.runs_in(None);
    }
    Ok(())
}

/// The first signal drains, the second aborts.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = shutdown.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told.is_cancelled() {
                std::process::exit(130);
            }
            told.cancel();
        }
    });
    Ok(shutdown)
}

/// One process per service and data folder writes; a second one stands by and takes over when the first is gone. So
/// `cargo run -p warehouse` joins a suite that runs: stop the old one, and the new one is it.
async fn lock(service: Service, data_dir: &Path, shutdown: &CancellationToken) -> anyhow::Result<Option<File>> {
    let folder = run_dir(data_dir)?;
    let path = folder.join(format!("{service}.lock"));
    let file = File::options().create(true).append(true).open(&path).with_context(|| path.display().to_string())?;
    if file.try_lock().is_err() {
        info!("another {service} has {}; this one takes over when it stops", path.display());
    }
    let waiting = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    tokio::select! {
        // The thread that waits ends with the process.
        () = shutdown.cancelled() => std::process::exit(0),
        locked = waiting => Ok(Some(locked??)),
    }
}

fn run_dir(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = data_dir.join("run");
    fs::create_dir_all(&folder)
        .with_context(|| format!("the folder {} (DATA_DIR) cannot be written to", folder.display()))?;
    Ok(folder)
}

/// Writes down where the health endpoints are, for `healthcheck` and for scripts.
fn note_port(service: Service, data_dir: &Path, port: u16) -> anyhow::Result<()> {
    let path = run_dir(data_dir)?.join(format!("{service}.port"));
    let mut file = File::create(&path).with_context(|| path.display().to_string())?;
    writeln!(file, "{port}").with_context(|| path.display().to_string())
}

async fn healthcheck(service: Service) -> anyhow::Result<()> {
    let port = if service == Service::Website {
        environment::number("HTTP_PORT", 8000_u16, 1..=u16::MAX)?
    } else {
        match environment::health_port()? {
            0 => {
                let path = environment::data_dir().join("run").join(format!("{service}.port"));
                let noted = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                noted.trim().parse()?
            }
            port => port,
        }
    };
    health::ask(port).await
}
