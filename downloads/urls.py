"""Addresses of the pages with buttons, by the five places of the navigation. An optional slash at the end."""

from django.urls import path, re_path

from downloads.views.activity import events
from downloads.views.home import controls, plan, queue, start, status
from downloads.views.library import collections, cover, detail, songs, track
from downloads.views.settings import (
    channels,
    health,
    imports,
    index,
    log,
    maintenance,
    paths,
    players,
    preferences,
    spotify,
    tags,
    trash,
)
from downloads.views.todo import adopt, decision_upload, desk, overview, review

home = [
    path("", status.status_page, name="status"),
    re_path(r"^queue/?$", queue.queue, name="queue"),
    re_path(r"^start/?$", start.start, name="start"),
    re_path(r"^start/folder/?$", start.choose_folder, name="choose_folder"),
    re_path(r"^plan/?$", plan.plan_page, name="plan"),
    # Buttons: POST only.
    re_path(r"^plan/accept/?$", plan.accept, name="plan_accept"),
    re_path(r"^plan/bin/?$", plan.accept_leaving, name="plan_bin"),
    re_path(r"^plan/look/?$", plan.look_again, name="plan_look"),
    re_path(r"^fetching/pause/?$", controls.pause, name="pause"),
    re_path(r"^services/(?P<name>[a-z]+)/go-on/?$", controls.resume_service, name="resume_service"),
    re_path(r"^hosts/(?P<name>[A-Za-z0-9.-]+)/drain/?$", controls.drain_host, name="drain_host"),
    re_path(r"^hosts/(?P<name>[A-Za-z0-9.-]+)/forget/?$", controls.forget_host, name="forget_host"),
    re_path(r"^library/accept-missing/?$", controls.accept_missing, name="accept_missing"),
    re_path(r"^library/accept-root/?$", controls.accept_root, name="accept_root"),
    re_path(r"^(?P<job>sync|reconcile)/now/?$", controls.request_job, name="request_job"),
]
library = [
    re_path(r"^tracks/?$", songs.songs, name="tracks"),
    re_path(r"^tracks\.csv$", songs.songs_csv, name="songs_csv"),
    re_path(r"^tracks/change/?$", songs.change_songs, name="change_songs"),
    re_path(r"^tracks/(?P<pk>[0-9]{1,18})/?$", track.track, name="track"),
    re_path(r"^albums/(?P<pk>[0-9]{1,18})/?$", detail.album, name="album"),
    re_path(r"^artists/(?P<pk>[0-9]{1,18})/?$", detail.artist, name="artist"),
    re_path(r"^collections/(?P<pk>[0-9]{1,18})/?$", detail.collection, name="collection"),
    re_path(r"^covers/(?P<pk>[0-9]{1,18})/?$", cover.cover, name="cover"),
    re_path(r"^tracks/(?P<pk>[0-9]{1,18})/(?P<deed>retry|ignore|want)/?$", track.change_track, name="change_track"),
    re_path(r"^tracks/(?P<pk>[0-9]{1,18})/separate/?$", track.separate_track, name="separate_track"),
    re_path(r"^failed/retry/?$", track.retry_failed, name="retry_failed"),
    re_path(r"^collections/?$", collections.collections, name="collections"),
    re_path(r"^collections/choose/?$", collections.update_collections, name="update_collections"),
]
todo = [
    re_path(r"^todo/?$", overview.todo, name="todo"),
    re_path(r"^failures/?$", overview.failures, name="failures"),
    re_path(r"^decide/?$", review.review_list, name="review_list"),
    re_path(r"^decide/desk/?$", desk.desk, name="desk"),
    re_path(r"^decide/desk/(?P<pk>[0-9]{1,18})/answer/?$", desk.desk_answer, name="desk_answer"),
    re_path(r"^decide/desk/undo/?$", desk.desk_undo, name="desk_undo"),
    re_path(r"^decide/desk/alike/(?P<candidate>[0-9]{1,18})/?$", desk.desk_alike, name="desk_alike"),
    re_path(r"^decide/(?P<pk>[0-9]{1,18})/?$", review.review_track, name="review_track"),
    re_path(r"^decide/(?P<pk>[0-9]{1,18})/sound/?$", review.review_audio, name="review_audio"),
    re_path(
        r"^decide/candidates/(?P<candidate>[0-9]{1,18})/(?P<action>take|never|take-back)/?$",
        review.review_candidate,
        name="review_candidate",
    ),
    re_path(r"^decide/(?P<pk>[0-9]{1,18})/address/?$", review.review_url, name="review_url"),
    re_path(r"^decide/(?P<pk>[0-9]{1,18})/search/?$", review.review_search, name="review_search"),
    re_path(r"^decide/decisions\.json$", decision_upload.decisions_export, name="decisions_export"),
    re_path(r"^decide/decisions/?$", decision_upload.decisions_import, name="decisions_import"),
    re_path(r"^adopt/?$", adopt.adoption, name="adopt"),
    re_path(r"^adopt/answer/?$", adopt.adoption_answer, name="adopt_answer"),
]
activity = [re_path(r"^activity/?$", events.activity, name="activity")]
settings = [
    re_path(r"^settings/?$", index.index, name="settings"),
    re_path(r"^settings/downloads/?$", preferences.preferences, name="preferences"),
    re_path(r"^theme/?$", index.theme, name="theme"),
    re_path(r"^log/?$", log.log, name="log"),
    re_path(r"^maintenance/?$", maintenance.maintenance_page, name="maintenance"),
    re_path(r"^maintenance/(?P<work>check|backup)/?$", maintenance.maintenance_ask, name="maintenance_ask"),
    re_path(r"^maintenance/backups/(?P<name>[a-z0-9.-]{1,60})$", maintenance.backup_file, name="backup_file"),
    re_path(r"^health/?$", health.health, name="health"),
    re_path(r"^connect/?$", spotify.connect_page, name="connect"),
    re_path(r"^connect/app/?$", spotify.save_app, name="connect_app"),
    re_path(r"^connect/start/?$", spotify.start, name="connect_start"),
    re_path(r"^connect/callback/?$", spotify.callback, name="connect_callback"),
    re_path(r"^connect/paste/?$", spotify.paste, name="connect_paste"),
    re_path(r"^connect/(?P<pk>[0-9]{1,18})/disconnect/?$", spotify.disconnect, name="disconnect"),
    re_path(r"^import/?$", imports.import_page, name="import"),
    re_path(r"^import/now/?$", imports.import_now, name="import_now"),
    re_path(r"^paths/?$", paths.paths, name="paths"),
    re_path(r"^paths/save/?$", paths.save, name="paths_save"),
    re_path(r"^paths/move/(?P<kind>apply|undo)/?$", paths.move, name="paths_move"),
    re_path(r"^tags/?$", tags.tags, name="tags"),
    re_path(r"^tags/save/?$", tags.save, name="tags_save"),
    re_path(r"^tags/(?P<kind>apply|undo)/?$", tags.write, name="tags_write"),
    re_path(r"^messages/?$", channels.channels, name="messages"),
    re_path(r"^messages/add/?$", channels.add, name="messages_add"),
    re_path(r"^messages/(?P<pk>[0-9]{1,18})/save/?$", channels.save, name="messages_save"),
    re_path(r"^messages/(?P<pk>[0-9]{1,18})/test/?$", channels.test, name="messages_test"),
    re_path(r"^messages/(?P<pk>[0-9]{1,18})/remove/?$", channels.remove, name="messages_remove"),
    re_path(r"^players/?$", players.players, name="players"),
    re_path(r"^players/add/?$", players.add, name="players_add"),
    re_path(r"^players/(?P<pk>[0-9]{1,18})/save/?$", players.save, name="players_save"),
    re_path(r"^players/(?P<pk>[0-9]{1,18})/test/?$", players.test, name="players_test"),
    re_path(r"^players/(?P<pk>[0-9]{1,18})/remove/?$", players.remove, name="players_remove"),
    re_path(r"^bin/?$", trash.trash_list, name="trash"),
    re_path(r"^bin/take-back/?$", trash.trash_restore, name="trash_restore"),
    re_path(r"^bin/former-back/?$", trash.trash_restore_former, name="trash_restore_former"),
]
urlpatterns = [
    *home,
    *library,
    *todo,
    *activity,
    *settings,
]
