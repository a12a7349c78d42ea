"""Addresses of one's own account and of a municipality's people, below /konto/."""

from django.urls import path

from municipalities.views import account, address, people

urlpatterns = [
    path("", account.overview, name="account"),
    path("registrieren/", account.register, name="account_signup"),
    path("schliessen/", account.close, name="account_close"),
    path("sitzung/", account.session, name="session"),
    path("adresse/", address.change, name="account_address"),
    path("adresse/<str:token>/", address.confirm, name="account_address_confirm"),
    path("kommunen/neu/", account.join, name="account_join"),
    path("einladung/<str:token>/", account.invitation, name="invitation"),
    path("kommune/<str:ags>/", people.people, name="people"),
    path("kommune/<str:ags>/einladen/", people.invite, name="people_invite"),
    path("kommune/<str:ags>/uebergeben/", people.hand_over, name="people_hand_over"),
    path("kommune/<str:ags>/schliessen/", people.close, name="people_close"),
    path("kommune/<str:ags>/personen/<int:pk>/", people.member, name="people_member"),
    path("kommune/<str:ags>/personen/<int:pk>/ablehnen/", people.refuse, name="people_refuse"),
    path("kommune/<str:ags>/personen/<int:pk>/beenden/", people.end, name="people_end"),
    path(
        "kommune/<str:ags>/einladungen/<int:pk>/zurueckziehen/",
        people.withdraw,
        name="people_withdraw",
    ),
]
