#!/usr/bin/env bash
# Starts a training on this node, or goes on with the run that the same command has started under OUTPUTS: what a job
# runs every time a scheduler starts or restarts it.
#
#     train_or_resume.sh CHAPTER OUTPUTS ARGUMENT...
#
# CHAPTER is a folder such as models/01_perceptron, OUTPUTS a folder that all nodes share, and the arguments are those
# of train.py. PET_NNODES and PET_NPROC_PER_NODE say how many processes there are, as Kubeflow sets them; where there are
# several, torchrun starts them. PYTHON names an interpreter other than the chapter's own.
#
# Exit code 0: the training is done, or was done before. 2: the command or its config is wrong and stays so. Any other,
# such as 143 and 130 for a run that was stopped: start it again.
set -euo pipefail

chapter=$1
outputs=$2
shift 2
python=${PYTHON:-$chapter/.venv/bin/python}
launch=()
if [ "${PET_NNODES:-1}" != 1 ] || [ "${PET_NPROC_PER_NODE:-1}" != 1 ]; then
    launch=("$(dirname "$0")/torchrun.py")
fi
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec "$python" "${launch[@]}" "$chapter/src/train.py" --outputs "$outputs" --resume auto "$@"
