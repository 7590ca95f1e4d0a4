"""Profiles: what a program computes, where and for how long, as in `torch.profiler`."""

from lineal.profiler.events import EventList, FunctionEvent, FunctionEventAvg
from lineal.profiler.kernels import Kernel, KernelList, kernels
from lineal.profiler.profiling import kineto_available, profile, supported_activities, tensorboard_trace_handler
from lineal.profiler.recording import record_function
from lineal.profiler.schedules import ProfilerAction, ProfilerActivity, schedule

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "Kernel",
    "KernelList",
    "ProfilerAction",
    "ProfilerActivity",
    "kernels",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]
