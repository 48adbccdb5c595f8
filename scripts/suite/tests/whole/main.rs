//! The whole suite from outside: one demo is started as a speaker starts it, all trials run on it in turn, and in the
//! end it is stopped and nothing is left.

mod apart;
mod api;
mod browser;
mod crashes;
mod deliveries;
mod extremes;
mod follow;
mod hostile;
mod keys;
mod map;
mod orders;
mod past;
mod presenter;
mod readable;
mod recovery;
mod rehearsal;
mod room;
mod running;
mod stage;
mod traces;
mod welcome;

use std::{future::Future, process::ExitCode, sync::Arc};

use anyhow::{Context as _, Result, bail};
use libtest_mimic::{Arguments, Failed, Trial};
use suite::Demo;
use tokio::runtime::Runtime;

/// Couriers fast enough for a load and slow enough to be seen with a parcel, and dead proxies: calls within the suite
/// do not use them.
const SETTINGS: [(&str, &str); 8] = [
    ("COURIERS", "4"),
    ("COURIER_PACE_MS", "50"),
    ("RETRY_FIRST_MS", "200"),
    ("http_proxy", "http://127.0.0.1:1"),
    ("HTTP_PROXY", "http://127.0.0.1:1"),
    ("all_proxy", "http://127.0.0.1:1"),
    ("no_proxy", ""),
    ("NO_PROXY", ""),
];

fn main() -> ExitCode {
    match play_all() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn play_all() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if arguments.list {
        let nobody = Arc::new(Shared { demo: None, runtime: None });
        return Ok(libtest_mimic::run(&arguments, trials(&nobody)).exit_code());
    }
    let runtime = Runtime::new()?;
    let settings = [&SETTINGS[..], &runtime.block_on(traces::collect())?].concat();
    let demo = Arc::new(runtime.block_on(Demo::start(&settings))?);
    let shared = Arc::new(Shared { demo: Some(demo), runtime: Some(runtime) });
    let conclusion = libtest_mimic::run(&arguments, trials(&shared));
    let Shared { demo: Some(demo), runtime: Some(runtime) } = Arc::into_inner(shared).context("a trial goes on")?
    else {
        bail!("the demo is gone");
    };
    runtime.block_on(running::stops_and_leaves_nothing(Arc::into_inner(demo).context("a trial goes on")?))?;
    Ok(conclusion.exit_code())
}

struct Shared {
    demo: Option<Arc<Demo>>,
    runtime: Option<Runtime>,
}

impl Shared {
    fn play<Playing>(&self, trial: impl FnOnce(Arc<Demo>) -> Playing) -> Result<(), Failed>
    where
        Playing: Future<Output = Result<()>>,
    {
        let (Some(demo), Some(runtime)) = (&self.demo, &self.runtime) else { return Ok(()) };
        runtime.block_on(trial(Arc::clone(demo))).map_err(|error| format!("{error:?}").into())
    }
}

/// A list of trials from functions, named after them.
macro_rules! trials {
    ($shared:expr, $($module:ident :: $name:ident),* $(,)?) => {
        vec![$({
            let shared = Arc::clone($shared);
            let name = concat!(stringify!($module), "::", stringify!($name));
            Trial::test(name, move || shared.play(|demo| async move { $module::$name(&demo).await }))
        }),*]
    };
}

fn trials(shared: &Arc<Shared>) -> Vec<Trial> {
    trials![
        shared,
        running::says_what_a_speaker_needs,
        running::what_each_service_counts_is_named_by_the_conventions,
        running::each_program_says_how_it_is_called,
        running::a_service_finds_the_data_of_the_suite_from_its_own_folder,
        running::a_folder_of_before_is_taken_over,
        orders::goes_from_the_form_to_delivered_through_all_five,
        orders::anyone_may_order_through_pulsar,
        orders::an_order_repeated_with_its_key_is_one_order,
        orders::the_feed_tells_each_step_at_once,
        orders::one_order_is_named_in_the_log_of_every_service,
        traces::an_order_continues_the_trace_of_its_request,
        traces::an_order_continues_the_trace_of_its_message,
        traces::an_order_without_a_trace_gets_one,
        api::is_described_truly,
        api::says_what_is_wrong,
        api::nothing_a_customer_types_breaks_a_page,
        deliveries::an_address_nobody_finds_ends_among_the_dead_letters_and_is_redriven,
        deliveries::what_is_given_up_comes_back_on_the_shelf,
        deliveries::what_nobody_can_read_holds_nobody_up,
        deliveries::nobody_without_the_token_changes_anything,
        browser::an_order_is_placed_and_followed,
        browser::the_dashboards_move,
        map::an_order_lights_up_its_way,
        map::a_paused_service_is_unmistakable,
        map::the_broker_speaks_for_itself,
        browser::the_presenter_redrives,
        browser::a_list_keeps_still_under_the_pointer,
        browser::a_theme_is_kept_until_another_is_chosen,
        browser::pages_stay_within_their_limits,
        presenter::another_site_leads_to_the_console_and_can_do_nothing_else,
        presenter::what_another_origin_sends_is_refused,
        presenter::guessing_the_token_is_slowed_down,
        room::the_code_leads_into_the_shop,
        room::hidden_names_are_nowhere,
        room::an_eager_browser_is_asked_to_drink_more_slowly,
        follow::a_window_follows_the_speaker,
        follow::a_step_that_many_leave_at_once_is_done_once,
        keys::the_keys_work_in_every_window_that_is_signed_in,
        keys::every_keyboard_and_a_clicker_play,
        follow::the_console_leads_the_rooms_window,
        room::the_shop_is_light_on_the_wire,
        room::a_thumb_orders_in_three_taps_and_is_told,
        browser::the_analysis_draws_its_charts,
        readable::every_page_is_accessible,
        readable::the_last_row_can_read_the_stage,
        readable::no_page_scrolls_sideways,
        apart::the_shop_has_nothing_of_the_stage,
        apart::the_stage_is_open_to_this_machine_only,
        past::the_slider_goes_back_and_comes_home,
        past::the_past_is_folded_and_asked,
        past::fraud_watch_is_attached_and_detached,
        stage::settings_are_changed_by_the_presenter_only,
        stage::a_paused_service_leaves_its_work_waiting,
        stage::what_stands_still_is_named_and_a_pause_is_no_fault,
        stage::the_crowd_orders_and_stops,
        stage::a_reset_begins_the_next_episode,
        stage::a_change_that_was_not_confirmed_does_not_come_back,
        stage::a_service_crashes_and_comes_back,
        presenter::a_session_outlives_a_crash_and_a_reset,
        recovery::a_page_goes_on_when_the_stage_is_back,
        recovery::a_phone_goes_on_when_the_website_is_back,
        recovery::a_page_that_slept_is_not_live_before_it_hears_again,
        recovery::what_a_network_held_back_does_not_look_live,
        recovery::a_page_asks_where_streams_are_held_back,
        recovery::a_page_goes_on_when_the_broker_is_back,
        rehearsal::every_act_plays,
        hostile::no_message_stops_a_service,
        crashes::each_service_is_killed_under_load_and_nothing_is_lost,
        crashes::the_broker_is_killed_under_load_and_nothing_is_lost,
        welcome::the_shop_is_seen_beside_its_code_and_covered_while_it_is_gone,
        apart::the_shop_sells_while_the_stage_is_away,
        apart::the_stage_shows_that_the_website_is_gone_and_stays_live,
        crashes::five_kills_in_a_row_are_survived,
    ]
}
