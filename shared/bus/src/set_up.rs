//! Creates what the topics need on the broker: tenant, namespaces with their policies, topics and subscriptions.
//! Idempotent: what exists stays and gets the policies it lacks. Subscriptions that are no longer specified are deleted.

use std::collections::BTreeSet;

use events::topics::{Namespace, TOPICS, TopicSpec};
use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::{
    Scope,
    admin::{Admin, AdminError},
    with_causes,
};

/// "For ever", in Pulsar's policies: a rebuild, the time machine and a watch attached late read from the first message.
/// What bounds the disk is the end of the episode.
const FOR_EVER: i64 = -1;
/// Once a minute the broker compacts topics that have grown by this many bytes. `settings` grows by a few hundred bytes per
/// change, the topics of `stock` by a few hundred kilobytes per second under load.
const STAGE_COMPACTED_AFTER_BYTES: u64 = 16 * 1024;
const STOCK_COMPACTED_AFTER_BYTES: u64 = 4 * 1024 * 1024;

/// The setter of each policy, for namespaces created without it: the name of the policy, the HTTP method, and the
/// path.
const SETTERS: [(&str, Method, &str); 5] = [
    ("retention_policies", Method::POST, "retention"),
    ("deduplicationEnabled", Method::POST, "deduplication"),
    ("inactive_topic_policies", Method::POST, "inactiveTopicPolicies"),
    ("max_unacked_messages_per_consumer", Method::POST, "maxUnackedMessagesPerConsumer"),
    ("compaction_threshold", Method::PUT, "compactionThreshold"),
];

/// Why the broker could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The broker has not registered its cluster yet, and a tenant needs one.
    #[error("the broker has no cluster yet")]
    NoCluster,
}

/// Creates everything this scope needs. Takes one to two seconds the first time.
///
/// # Errors
/// If the broker refuses something or does not answer.
pub async fn set_up(admin: &Admin, scope: &Scope) -> Result<(), SetUpError> {
    set_up_stage(admin, scope).await?;
    make_namespaces(admin, scope, &[Namespace::Shop, Namespace::Stock]).await
}

/// Creates the tenant and the namespace outside of the episodes: its settings say which episode runs.
pub async fn set_up_stage(admin: &Admin, scope: &Scope) -> Result<(), SetUpError> {
    // The broker may report that it is ready before its cluster is registered.
    let clusters: Vec<String> = admin.get("clusters").await?;
    if clusters.is_empty() {
        return Err(SetUpError::NoCluster);
    }
    let tenant = json!({"adminRoles": [], "allowedClusters": clusters});
    admin.put(&format!("tenants/{}", scope.tenant), Some(&tenant)).await?;
    make_namespaces(admin, scope, &[Namespace::Stage]).await
}

async fn make_namespaces(admin: &Admin, scope: &Scope, namespaces: &[Namespace]) -> Result<(), SetUpError> {
    try_join_all(namespaces.iter().map(|namespace| make_namespace(admin, scope, *namespace))).await?;
    let topics = TOPICS.into_iter().filter(|topic| namespaces.contains(&topic.namespace));
    try_join_all(topics.map(|topic| make_topic(admin, scope, topic))).await?;
    Ok(())
}

/// The episodes of this tenant that have a namespace.
pub async fn episodes(admin: &Admin, scope: &Scope) -> Result<BTreeSet<u32>, AdminError> {
    let namespaces = episode_namespaces(admin, scope).await?;
    Ok(namespaces.into_iter().map(|(episode, _)| episode).collect())
}

/// Each namespace that belongs to an episode, with the episode.
async fn episode_namespaces(admin: &Admin, scope: &Scope) -> Result<Vec<(u32, String)>, AdminError> {
    let namespaces: Vec<String> = admin.get(&format!("namespaces/{}", scope.tenant)).await?;
    let episode_of = |namespace: &str| {
        let name = namespace.strip_prefix(&format!("{}/", scope.tenant))?;
        let of_episodes = [Namespace::Shop, Namespace::Stock];
        let episode = of_episodes.iter().find_map(|kind| name.strip_prefix(kind.name())?.strip_prefix('-'))?;
        episode.parse().ok()
    };
    Ok(namespaces.into_iter().filter_map(|namespace| Some((episode_of(&namespace)?, namespace))).collect())
}

/// Deletes the namespaces of earlier episodes with all their topics. Later ones stay: they may be in the
/// making.
///
/// # Errors
/// If the broker cannot be asked. A namespace that cannot be deleted is only logged.
pub async fn forget_earlier_episodes(admin: &Admin, scope: &Scope) -> Result<(), AdminError> {
    for (episode, namespace) in episode_namespaces(admin, scope).await? {
        if episode >= scope.episode {
            continue;
        }
        match forget(admin, &namespace).await {
            Ok(()) => info!(%namespace, "deleted"),
            Err(error) => warn!(%namespace, error = %with_causes(&error), "could not be deleted"),
        }
    }
    Ok(())
}

/// Deletes a namespace, topic by topic where the broker does not allow it in one go.
async fn forget(admin: &Admin, namespace: &str) -> Result<(), AdminError> {
    if admin.delete(&format!("namespaces/{namespace}?force=true")).await.is_ok() {
        return Ok(());
    }
    let topics: Vec<String> = admin.get(&format!("namespaces/{namespace}/topics")).await?;
    for topic in topics {
        let path = topic.replacen("://", "/", 1);
        admin.delete(&format!("{path}?force=true")).await?;
    }
    admin.delete(&format!("namespaces/{namespace}")).await
}

async fn make_namespace(admin: &Admin, scope: &Scope, namespace: Namespace) -> Result<(), AdminError> {
    let path = format!("namespaces/{}/{}", scope.tenant, namespace.in_episode(scope.episode));
    let wanted = policies(namespace);
    admin.put(&path, Some(&wanted)).await?;
    // A namespace of an earlier version of the suite has the policies of that version.
    let known: Value = admin.get(&path).await?;
    for (name, method, setter) in SETTERS {
        if let Some(value) = wanted.get(name).filter(|value| known.get(name) != Some(value)) {
            info!(namespace = path, policy = name, "set");
            admin.set(method, &format!("{path}/{setter}"), value).await?;
        }
    }
    Ok(())
}

/// Starts the compaction of a topic. It is no error if it runs already.
///
/// # Errors
/// If the broker refuses or does not answer.
pub async fn compact(admin: &Admin, scope: &Scope, topic: &TopicSpec) -> Result<(), AdminError> {
    admin.put(&format!("{}/compaction", topic.admin_path(&scope.tenant, scope.episode)), None).await
}

fn policies(namespace: Namespace) -> Value {
    let mut policies = json!({
        "bundles": {"numBundles": 1, "boundaries": ["0x00000000", "0xffffffff"]},
        "retention_policies": {"retentionTimeInMinutes": FOR_EVER, "retentionSizeInMB": FOR_EVER},
        // Not in `shop`: there it would swallow orders that come by REST, and answer them with 200.
        "deduplicationEnabled": namespace == Namespace::Stock,
        "inactive_topic_policies": {
            "inactiveTopicDeleteMode": "delete_when_no_subscriptions",
            "maxInactiveDurationSeconds": 86_400,
            "deleteWhileInactive": false
        }
    });
    if namespace != Namespace::Stage {
        // Each consumer of a Shared queue holds one message; without this one of them hoards the queue.
        policies["max_unacked_messages_per_consumer"] = json!(1);
    }
    match namespace {
        Namespace::Stage => policies["compaction_threshold"] = json!(STAGE_COMPACTED_AFTER_BYTES),
        Namespace::Stock => policies["compaction_threshold"] = json!(STOCK_COMPACTED_AFTER_BYTES),
        Namespace::Shop => {}
    }
    policies
}

async fn make_topic(admin: &Admin, scope: &Scope, topic: &TopicSpec) -> Result<(), AdminError> {
    let path = topic.admin_path(&scope.tenant, scope.episode);
    admin.put(&path, None).await?;
    if !topic.stored {
        return Ok(());
    }
    // Created before their readers start, so that messages wait for them.
    let earliest = json!({"ledgerId": -1, "entryId": -1, "partitionIndex": -1});
    let permanent = topic.subscriptions.iter().filter(|subscription| subscription.is_permanent());
    let made = permanent.map(|subscription| {
        let path = format!("{path}/subscription/{}", subscription.name);
        let earliest = &earliest;
        async move { admin.put(&path, Some(earliest)).await }
    });
    try_join_all(made).await?;
    delete_unspecified(admin, &path, topic).await
}

/// Deletes subscriptions of an earlier version of the suite on this topic: they have no readers any more, and their
/// backlog would only grow. Subscriptions with other names stay: they may belong to a client of someone else.
async fn delete_unspecified(admin: &Admin, path: &str, topic: &TopicSpec) -> Result<(), AdminError> {
    let is_of = |topic: &TopicSpec, name: &str| topic.subscriptions.iter().any(|known| known.name == name);
    let there: Vec<String> = admin.get(&format!("{path}/subscriptions")).await?;
    let is_ours = |name: &str| TOPICS.into_iter().any(|topic| is_of(topic, name));
    for name in there.iter().filter(|name| is_ours(name) && !is_of(topic, name)) {
        match admin.delete(&format!("{path}/subscription/{name}")).await {
            Ok(()) => info!(topic = topic.name, subscription = name, "deleted"),
            // A process of the earlier version may still be reading.
            Err(error) => {
                let error = with_causes(&error);
                warn!(topic = topic.name, subscription = name, %error, "could not be deleted");
            }
        }
    }
    Ok(())
}
