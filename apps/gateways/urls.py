"""The pages of gateways, below /t/{workspace}/."""

from django.urls import path

from apps.gateways.views import changes, detail, domains, environment, history, list, new, settings, wishes

app_name = "gateways"
urlpatterns = [
    path("gateways", list.GatewayList.as_view(), name="list"),
    path("gateways/new", new.New.as_view(), name="new"),
    path("gateways/new/preview", new.Preview.as_view(), name="preview"),
    path("gateways/several/<slug:wish>", list.Several.as_view(), name="several"),
    path("gateways/<str:gateway_id>", detail.Detail.as_view(), name="detail"),
    path("gateways/<str:gateway_id>/start", wishes.Start.as_view(), name="start"),
    path("gateways/<str:gateway_id>/restart", wishes.Restart.as_view(), name="restart"),
    path("gateways/<str:gateway_id>/stop", wishes.Stop.as_view(), name="stop"),
    path("gateways/<str:gateway_id>/delete", wishes.Delete.as_view(), name="delete"),
    path("gateways/<str:gateway_id>/environment", environment.Environment.as_view(), name="environment"),
    path("gateways/<str:gateway_id>/environment/set", environment.SetVariables.as_view(), name="set_variables"),
    path(
        "gateways/<str:gateway_id>/environment/<str:variable_id>/replace",
        environment.ReplaceVariable.as_view(),
        name="replace_variable",
    ),
    path(
        "gateways/<str:gateway_id>/environment/<str:variable_id>/remove",
        environment.RemoveVariable.as_view(),
        name="remove_variable",
    ),
    path("gateways/<str:gateway_id>/domains", domains.Domains.as_view(), name="domains"),
    path("gateways/<str:gateway_id>/domains/<slug:stage>/add", domains.AddDomain.as_view(), name="add_domain"),
    path("gateways/<str:gateway_id>/domains/<slug:stage>/check", domains.CheckDomain.as_view(), name="check_domain"),
    path("gateways/<str:gateway_id>/domains/<slug:stage>/remove", domains.RemoveDomain.as_view(), name="remove_domain"),
    path("gateways/<str:gateway_id>/history", history.History.as_view(), name="history"),
    path("gateways/<str:gateway_id>/settings", settings.Settings.as_view(), name="settings"),
    path("gateways/<str:gateway_id>/settings/rename", changes.Rename.as_view(), name="rename"),
    path("gateways/<str:gateway_id>/settings/bundle", changes.ChangeBundle.as_view(), name="bundle"),
    path("gateways/<str:gateway_id>/settings/egress", changes.SetEgress.as_view(), name="egress"),
    path("gateways/<str:gateway_id>/settings/transfer", changes.Transfer.as_view(), name="transfer"),
    path("gateways/<str:gateway_id>/stages/<slug:stage>/off", changes.SwitchOff.as_view(), name="switch_off"),
    path("gateways/<str:gateway_id>/stages/<slug:stage>/on", changes.SwitchOn.as_view(), name="switch_on"),
]
