from django.urls import path

from apps.fleet.views import actions, clusters, index

app_name = "fleet"
urlpatterns = [
    path("fleet", index.Fleet.as_view(), name="index"),
    path("fleet/register", actions.Register.as_view(), name="register"),
    path("fleet/clusters/<str:cluster_id>", clusters.ClusterPage.as_view(), name="cluster"),
    path("fleet/clusters/<str:cluster_id>/token", actions.NewToken.as_view(), name="token"),
    path("fleet/clusters/<str:cluster_id>/maintenance", actions.StartMaintenance.as_view(), name="maintenance"),
    path("fleet/clusters/<str:cluster_id>/maintenance/end", actions.EndMaintenance.as_view(), name="resume"),
    path("fleet/clusters/<str:cluster_id>/resync", actions.Resync.as_view(), name="resync"),
    path("fleet/clusters/<str:cluster_id>/delete", actions.DeleteCluster.as_view(), name="delete"),
    path("fleet/clusters/<str:cluster_id>/bundles/<str:bundle_id>", clusters.BundlePage.as_view(), name="bundle"),
    path("fleet/agents/<str:agent_id>/revoke", actions.RevokeAgent.as_view(), name="revoke"),
]
