//! Makes what the table says on the broker: tenant, namespaces with their policies, topics and subscriptions.
//! Idempotent: whatever is there already stays as it is.

use events::topics::{Dealing, Entry, Space, Subscription, TABLE};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::{
    Place,
    admin::{Admin, AdminError},
};

/// What `shop` keeps once it is acknowledged: the time machine and a watch attached late read it from its beginning.
const SHOP_KEEPS_MINUTES: i64 = 24 * 60;
const SHOP_KEEPS_MB: i64 = 1024;
/// "For ever", in Pulsar's policies.
const FOR_EVER: i64 = -1;

/// Why the broker could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// A call failed.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The broker knows no cluster yet, which no tenant can do without.
    #[error("the broker has no cluster yet")]
    NoCluster,
}

/// Makes everything this place needs. Takes one to two seconds the first time.
///
/// # Errors
/// If the broker refuses something or does not answer.
pub async fn set_up(admin: &Admin, place: &Place) -> Result<(), SetUpError> {
    set_up_stage(admin, place).await?;
    make_spaces(admin, place, &[Space::Shop, Space::Stock]).await
}

/// Makes the tenant and what lies outside of the episodes: the settings, which say which episode runs.
///
/// # Errors
/// As [`set_up`].
pub async fn set_up_stage(admin: &Admin, place: &Place) -> Result<(), SetUpError> {
    // "Ready" can be said before the cluster is registered.
    let clusters: Vec<String> = admin.get("clusters").await?;
    if clusters.is_empty() {
        return Err(SetUpError::NoCluster);
    }
    let tenant = json!({"adminRoles": [], "allowedClusters": clusters});
    admin.put(&format!("tenants/{}", place.tenant), Some(&tenant)).await?;
    make_spaces(admin, place, &[Space::Stage]).await
}

async fn make_spaces(admin: &Admin, place: &Place, spaces: &[Space]) -> Result<(), SetUpError> {
    try_join_all(spaces.iter().map(|space| make_namespace(admin, place, *space))).await?;
    let topics = TABLE.iter().filter(|entry| spaces.contains(&entry.space));
    try_join_all(topics.map(|entry| make_topic(admin, place, entry))).await?;
    Ok(())
}

/// Deletes the namespaces of every other episode of this tenant, with all that is in them.
///
/// # Errors
/// If the broker cannot be asked. What cannot be deleted is only logged: it harms nobody.
pub async fn forget_other_episodes(admin: &Admin, place: &Place) -> Result<(), SetUpError> {
    let namespaces: Vec<String> = admin.get(&format!("namespaces/{}", place.tenant)).await?;
    let kept = Space::ALL.map(|space| format!("{}/{}", place.tenant, space.namespace(place.episode)));
    for namespace in namespaces.iter().filter(|namespace| !kept.contains(namespace)) {
        let of_an_episode = [Space::Shop, Space::Stock]
            .iter()
            .any(|space| namespace.starts_with(&format!("{}/{}-", place.tenant, space.name())));
        if !of_an_episode {
            continue;
        }
        match forget(admin, namespace).await {
            Ok(()) => info!(%namespace, "forgotten"),
            Err(error) => warn!(%namespace, %error, "could not be forgotten"),
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

async fn make_namespace(admin: &Admin, place: &Place, space: Space) -> Result<(), AdminError> {
    let path = format!("namespaces/{}/{}", place.tenant, space.namespace(place.episode));
    admin.put(&path, Some(&policies(space))).await
}

fn policies(space: Space) -> Value {
    let (minutes, megabytes) = match space {
        Space::Shop => (SHOP_KEEPS_MINUTES, SHOP_KEEPS_MB),
        Space::Stock | Space::Stage => (FOR_EVER, FOR_EVER),
    };
    let mut policies = json!({
        "bundles": {"numBundles": 1, "boundaries": ["0x00000000", "0xffffffff"]},
        "retention_policies": {"retentionTimeInMinutes": minutes, "retentionSizeInMB": megabytes},
        // Not in `shop`: there it would swallow orders that come by REST, and answer them with 200.
        "deduplicationEnabled": space == Space::Stock,
        "inactive_topic_policies": {
            "inactiveTopicDeleteMode": "delete_when_no_subscriptions",
            "maxInactiveDurationSeconds": 86_400,
            "deleteWhileInactive": false
        }
    });
    if space != Space::Stage {
        // One parcel in a courier's hands and no more; without it one courier hoards the queue.
        policies["max_unacked_messages_per_consumer"] = json!(1);
    }
    policies
}

async fn make_topic(admin: &Admin, place: &Place, entry: &Entry) -> Result<(), AdminError> {
    let path = entry.address(&place.tenant, place.episode).replacen("://", "/", 1);
    admin.put(&path, None).await?;
    if !entry.stored {
        return Ok(());
    }
    // Made before their readers come: what is written meanwhile waits for them.
    let earliest = json!({"ledgerId": -1, "entryId": -1, "partitionIndex": -1});
    let stays = |subscription: &&Subscription| subscription.dealing != Dealing::Everyone && !subscription.on_demand;
    let stays = entry.subscriptions.iter().filter(stays);
    let made = stays.map(|subscription| {
        let path = format!("{path}/subscription/{}", subscription.name);
        let earliest = &earliest;
        async move { admin.put(&path, Some(earliest)).await }
    });
    try_join_all(made).await?;
    Ok(())
}
