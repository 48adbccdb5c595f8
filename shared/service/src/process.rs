//! A service as a process: from the environment to an exit code.

use std::{
    fs::{self, File},
    future::Future,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use bus::{Bus, Scope};
use events::{ids::Service, settings::StageSettings};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    arguments::{Arg, Program, nothing_more},
    connections,
    context::{Context, ServiceFuture, TaskGroup},
    environment::{self, Unusable},
    health,
    presence::announce,
    stage::{self, Stage},
    telemetry,
};

/// Threads that run a service's tasks. A service mostly waits for its broker and its database, and a
/// second thread costs more in wake-ups than it gains (measured at 500 orders/s).
const THREADS: usize = 1;
/// How long a service may take to finish what it has begun.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// The exit code after a second signal: what a shell reports for a program that Ctrl-C ended.
const ABORTED: i32 = 130;

/// A command of a service, run beside the process that serves.
pub struct Command {
    /// The argument that asks for it.
    pub name: &'static str,
    /// What it does, for `--help`.
    pub help: &'static str,
    /// Runs it in the current episode. The context has no episode id, so that the database is opened as it is: it belongs to the
    /// running process.
    pub run: fn(Context) -> ServiceFuture,
}

/// The port on which a service serves HTTP.
pub struct HttpPort {
    /// The variable that sets it.
    pub variable: &'static str,
    pub default: u16,
}

impl HttpPort {
    /// The port in use.
    ///
    /// # Errors
    /// If the setting is not a port.
    pub fn number(&self) -> Result<u16, Unusable> {
        environment::number(self.variable, self.default, 1..=u16::MAX)
    }
}

/// Limits of the health endpoints.
const ASKING: connections::Limits = connections::Limits { connections: 50, of_an_address: 50 };

/// Runs a service until it is told to stop: the whole of its `main`.
///
/// With the argument `healthcheck` it asks the running process instead, and exits with 0 if that is live.
/// `serve` gets a context in the running episode; it is called when the broker has said which that is.
pub fn run(service: Service, serve: fn(Context) -> ServiceFuture) -> ExitCode {
    run_with(service, serve, &[])
}

/// As [`run`], for a service with its own commands.
pub fn run_with(service: Service, serve: fn(Context) -> ServiceFuture, commands: &'static [Command]) -> ExitCode {
    Process { service, serve, commands, http: None }.main()
}

/// As [`run`], for a service that serves HTTP, including health and metrics. `serve` is called immediately and only once: it
/// opens without a broker, and moves from one episode to the next by itself.
pub fn run_http(service: Service, port: HttpPort, serve: fn(Context) -> ServiceFuture) -> ExitCode {
    Process { service, serve, commands: &[], http: Some(port) }.main()
}

/// The parts of the process that differ by service.
struct Process {
    service: Service,
    serve: fn(Context) -> ServiceFuture,
    commands: &'static [Command],
    http: Option<HttpPort>,
}

enum Asked {
    Live,
    Healthcheck,
    Command(&'static Command),
}

impl Process {
    fn main(&self) -> ExitCode {
        let program = Program { name: self.service.name(), help: self.help() };
        let asked = program.read(|parser| match parser.next()? {
            None => Ok(Asked::Live),
            Some(Arg::Value(name)) if name == "healthcheck" => nothing_more(parser, Asked::Healthcheck),
            Some(Arg::Value(name)) => match self.commands.iter().find(|command| name == command.name) {
                Some(command) => nothing_more(parser, Asked::Command(command)),
                None => Err(Arg::Value(name).unexpected()),
            },
            Some(other) => Err(other.unexpected()),
        });
        match asked {
            Ok(Asked::Live) => to_the_end(Some(self.service), until_told(|shutdown| self.live(shutdown))),
            Ok(Asked::Healthcheck) => to_the_end(None, self.healthcheck()),
            Ok(Asked::Command(command)) => to_the_end(None, until_told(|shutdown| self.beside(command, shutdown))),
            Err(code) => code,
        }
    }

    fn help(&self) -> String {
        let service = self.service;
        let mut help = format!(
            "{service}, a service of My Belgian beers online. It runs until SIGTERM or Ctrl-C.\n\n\
             Usage: {service} [COMMAND]\n\n  \
             healthcheck  checks the process that runs with these settings; exits with 0 if it is live\n"
        );
        for Command { name, help: does, .. } in self.commands {
            help += &format!("  {name:<11}  {does}\n");
        }
        help + "\nSettings come from the environment and from the file .env; .env.example lists them.\n"
    }

    async fn beside(&self, command: &Command, shutdown: CancellationToken) -> anyhow::Result<()> {
        let bus = bus()?;
        let settings = stage::current(&bus).await.context("the settings cannot be read")?;
        let settings = settings.context("the broker has no settings yet")?;
        let stage = Stage::set(StageSettings { episode_id: String::new(), ..settings });
        (command.run)(Context::new(self.service, bus, stage, &environment::data_dir(), shutdown)).await
    }

    async fn live(&self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let data_dir = environment::data_dir();
        let Some(_lock) = lock(self.service, &data_dir, &shutdown).await? else { return Ok(()) };
        let context = Context::new(self.service, bus()?, Stage::default(), &data_dir, shutdown);
        if self.http.is_some() {
            return (self.serve)(context).await;
        }
        let address = SocketAddr::from((environment::health_host()?, environment::health_port()?));
        let listener = health::listen(address).await?;
        note_port(self.service, &data_dir, listener.local_addr()?.port())?;
        let routes = health::routes(context.health.clone(), context.metrics.clone());
        let mut around = TaskGroup::default();
        around.start(async move {
            connections::serve(ASKING, listener, routes, CancellationToken::new()).await;
            Ok(())
        });
        let settings = tokio::select! {
            ended = around.ended() => return ended,
            settings = stage::wait(&context.bus, &context.shutdown) => settings,
        };
        let Some(settings) = settings else { return Ok(()) };
        context.stage.change(settings);
        around.start(stage::listen(context.clone()));
        around.start(announce(context.clone()));
        tokio::select! {
            ended = around.ended() => ended,
            ended = in_episodes(&context, self.serve) => ended,
        }
    }

    async fn healthcheck(&self) -> anyhow::Result<()> {
        let local = Ipv4Addr::LOCALHOST.into();
        let host = if self.http.is_some() { local } else { environment::health_host()? };
        let port = match (&self.http, environment::health_port()?) {
            (Some(http), _) => http.number()?,
            (None, 0) => {
                let path = environment::data_dir().join("run").join(format!("{}.port", self.service));
                let noted = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                noted.trim().parse()?
            }
            (None, port) => port,
        };
        health::ask(SocketAddr::new(host, port)).await
    }
}

fn bus() -> anyhow::Result<Bus> {
    Ok(Bus::new(environment::broker()?, Scope { tenant: environment::tenant(), episode: 1 }))
}

/// Does this work. What `traced` does is told to those who collect traces.
fn to_the_end(traced: Option<Service>, work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let dot_env = environment::read_dot_env();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return cannot_start(&error),
    };
    let traces = telemetry::start(traced.filter(|_| dot_env.is_ok()), runtime.handle());
    let traces = match dot_env.map_err(anyhow::Error::from).and(traces) {
        Ok(traces) => traces,
        Err(error) => return failed(&error),
    };
    let ended = runtime.block_on(work);
    traces.flush();
    // Blocking threads (the database) may be busy; they get a moment to finish.
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

/// Says why there are not even threads; nor are there logs.
fn cannot_start(error: &io::Error) -> ExitCode {
    drop(writeln!(io::stderr(), "{error}"));
    ExitCode::FAILURE
}

/// One episode after another, until told to stop.
async fn in_episodes(context: &Context, serve: fn(Context) -> ServiceFuture) -> anyhow::Result<()> {
    while !context.shutdown.is_cancelled() {
        let episode = context.in_episode(&context.stage.settings());
        let number = episode.bus.scope().episode;
        info!(episode = number, "{} runs", context.service);
        context.presence.runs_in(Some(number));
        let mut serving = serve(episode.clone());
        tokio::select! {
            ended = &mut serving => return ended,
            next = episode.episode_over() => info!(episode = next.episode, "another episode has begun"),
            () = context.shutdown.cancelled() => {}
        }
        episode.shutdown.cancel();
        if tokio::time::timeout(DRAIN_WITHIN, serving).await.map_or(Ok(false), |ended| ended.map(|()| true))? {
            info!(episode = number, "all work in progress is finished");
        } else {
            warn!("not everything was finished in time; the rest is delivered again");
        }
        context.presence.runs_in(None);
    }
    Ok(())
}

/// Runs this work; a signal cancels its token.
async fn until_told<F: Future<Output = anyhow::Result<()>>>(
    work: impl FnOnce(CancellationToken) -> F,
) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let mut signals = TaskGroup::default();
    signals.start(heed_signals(shutdown.clone()));
    tokio::select! {
        ended = work(shutdown) => ended,
        ended = signals.ended() => ended,
    }
}

/// The first signal drains, the second aborts.
async fn heed_signals(shutdown: CancellationToken) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if shutdown.is_cancelled() {
            std::process::exit(ABORTED);
        }
        shutdown.cancel();
    }
}

/// Locks the data folder: one process per service writes, a second one stands by and takes over when the first ends. So
/// `cargo run -p NAME` joins a running suite: stop the old process, and the new one takes its place.
async fn lock(service: Service, data_dir: &Path, shutdown: &CancellationToken) -> anyhow::Result<Option<File>> {
    let folder = run_dir(data_dir)?;
    let path = folder.join(format!("{service}.lock"));
    let file = File::options().create(true).append(true).open(&path).with_context(|| path.display().to_string())?;
    if file.try_lock().is_err() {
        info!("another {service} holds {}; this one takes over when it stops", path.display());
    }
    let waiting = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    tokio::select! {
        // The waiting thread ends with the process.
        () = shutdown.cancelled() => std::process::exit(0),
        locked = waiting => Ok(Some(locked??)),
    }
}

fn run_dir(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = data_dir.join("run");
    fs::create_dir_all(&folder)
        .with_context(|| format!("the folder {} (DATA_DIR) is not writable", folder.display()))?;
    Ok(folder)
}

/// Writes the port of the health endpoints to a file, for `healthcheck` and for scripts.
fn note_port(service: Service, data_dir: &Path, port: u16) -> anyhow::Result<()> {
    let path = run_dir(data_dir)?.join(format!("{service}.port"));
    let mut file = File::create(&path).with_context(|| path.display().to_string())?;
    writeln!(file, "{port}").with_context(|| path.display().to_string())
}
