"""Exports of apps for phones: photos with the poses that the phone's tracking gave."""
