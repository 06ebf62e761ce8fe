"""A playground of alice's, and files for it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import UseCase
from playground import services as playgrounds
from playground.models import Playground
from vectordb import services as vectordb
from vectordb.models import Dataset


@pytest.fixture(autouse=True)
def _media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def playground(alice, use_case) -> Playground:
    return playgrounds.create_playground(user=alice, use_case=use_case, name="Lamps")


@pytest.fixture
def upload(alice, use_case):
    """Makes a dataset of files by name, in alice's use case unless told otherwise."""

    def make(use_case: UseCase | None = use_case, **files: str | bytes) -> Dataset:
        dataset = vectordb.create_dataset(user=alice, name="Questions", use_case=use_case)
        contents = {
            name: text if isinstance(text, bytes) else text.encode() for name, text in files.items()
        }
        uploads = [
            SimpleUploadedFile(name.replace("_", "."), text) for name, text in contents.items()
        ]
        added = vectordb.add_files(dataset, user=alice, files=uploads)
        assert all(one.document for one in added), added
        return dataset

    return make
