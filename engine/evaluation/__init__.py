"""Evaluation of a run on held-out photos: PSNR, SSIM and LPIPS after test-time pose refinement, and pictures."""

from engine.evaluation.held_out import HeldOutFrame, Scores, Summary, evaluate_held_out
from engine.evaluation.report import make_table
from engine.evaluation.runs import evaluate_run, evaluate_trainer

__all__ = ["HeldOutFrame", "Scores", "Summary", "evaluate_held_out", "evaluate_run", "evaluate_trainer", "make_table"]
