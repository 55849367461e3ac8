"""Mitsuba with its variant and thread count chosen; import `mi` from here so that this happens first."""

import os

import mitsuba as mi

mi.set_variant("llvm_ad_rgb")

import drjit as dr  # noqa: E402  (only after the variant is chosen)

dr.set_thread_count(int(os.environ.get("SCENE_THREADS", "1")))

__all__ = ["mi"]
